"""What Python itself prints on standard error, escaped: warnings, the log of libraries before
there is one, and exceptions that end a command or a thread of it.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
import warnings
from typing import Any, Optional, TextIO

from mms.log.lines import LeveledFormatter
from mms.runtime.streams import say


def escape_uncaught() -> None:
    """Have a command print its warnings and uncaught exceptions without control characters.

    These hold what a server or an archive says. Not for a program that only calls this package.
    """
    sys.excepthook = _say_traceback
    threading.excepthook = _say_of_thread
    sys.unraisablehook = _say_unraisable
    warnings.showwarning = _say_warning
    if logging.lastResort:
        logging.lastResort.setFormatter(LeveledFormatter())


def _say_traceback(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    _say_lines(traceback.format_exception(kind, error, trace))


def _say_of_thread(failure: Any) -> None:
    if failure.exc_type is not SystemExit:
        name = failure.thread.name if failure.thread else threading.get_ident()
        _say_lines([f'Exception in thread {name}:\n', *traceback.format_exception(
            failure.exc_type, failure.exc_value, failure.exc_traceback)])


def _say_unraisable(failure: Any) -> None:
    _say_lines([f"{failure.err_msg or 'Exception ignored in'}: {failure.object!r}\n",
                *traceback.format_exception(
                    failure.exc_type, failure.exc_value, failure.exc_traceback)])


def _say_warning(message: Any, category: type[Warning], filename: str, lineno: int,
                 file: Optional[TextIO] = None, line: Optional[str] = None) -> None:
    _say_lines([warnings.formatwarning(message, category, filename, lineno, line)], file)


def _say_lines(pieces: list[str], stream: Optional[TextIO] = None) -> None:
    say(''.join(pieces).rstrip('\n').split('\n'), stream or sys.stderr)
