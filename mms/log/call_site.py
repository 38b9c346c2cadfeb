"""Records of one place of the code that logs often."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from types import FrameType
from typing import Any, Optional


class CallSite:
    """A place that logs at one level.

    What all its records have alike is found out once: the place itself, which takes a walk through
    the stack each time, its process and its thread. A record is made in a third of the time.

    Parameters
    ----------
    logger, level
        Of the records.
    """

    def __init__(self, logger: logging.Logger, level: int) -> None:
        self._logger = logger
        self._level = level
        self._alike: Mapping[str, Any] = {}

    def log(self, message: str, *arguments: object,
            extra: Optional[Mapping[str, object]] = None) -> None:
        """Log a message, as :meth:`logging.Logger.log` does; always from the same line."""
        logger = self._logger
        if not logger.isEnabledFor(self._level):
            return
        alike = self._alike
        if (not alike or logging.getLogRecordFactory() is not logging.LogRecord
                or alike['process'] != os.getpid() or alike['thread'] != threading.get_ident()):
            # Of a program that embeds this: it makes its own records, or has several threads.
            record = self._made(sys._getframe(1), message, arguments, extra)
            found = record.__dict__.copy()
            for name in extra or ():
                del found[name]
            self._alike = found
        else:
            now = time.time()
            record = logging.LogRecord.__new__(logging.LogRecord)
            record.__dict__.update(
                alike, msg=message, args=arguments, created=now, msecs=now % 1 * 1000,
                relativeCreated=alike['relativeCreated'] + (now - alike['created']) * 1000,
                **extra or {})
        logger.handle(record)

    def _made(self, caller: FrameType, message: str, arguments: tuple[object, ...],
              extra: Optional[Mapping[str, object]]) -> logging.LogRecord:
        code = caller.f_code
        return self._logger.makeRecord(self._logger.name, self._level, code.co_filename,
                                       caller.f_lineno, message, arguments, None, code.co_name,
                                       extra)
