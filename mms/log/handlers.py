"""Where lines of the log are written to: handlers that never fail their caller."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import Any, Optional, TextIO

from mms.log.background import BackgroundHandler, WriterThread
from mms.runtime.nonblocking_stream import NonblockingStream
from mms.runtime.streams import is_terminal

# When the log ends, a reader that is late has so long.
_LAST_LINES_S = 1.0


class SafeHandler(logging.Handler):
    """A log that cannot be written never reaches the caller, and complains once."""

    _failed = False
    _is_failing = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, if that is possible."""
        self._failed = False
        super().emit(record)
        self._is_failing = self._failed

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A record could not be written."""
        self._failed = True
        if not self._is_failing:
            self.complain(sys.exc_info()[1])

    def complain(self, error: Optional[BaseException]) -> None:
        """Say once that lines are lost."""


class StreamLog(BackgroundHandler, SafeHandler, logging.StreamHandler):  # type: ignore[type-arg]  # none before 3.11
    """Writes to a standard stream.

    Parameters
    ----------
    stream
        Standard error or standard output.
    formatter
        Makes the lines.
    """

    # Of the root logger, before the first log of this package.
    level_before = logging.WARNING

    def __init__(self, stream: TextIO, formatter: logging.Formatter) -> None:
        super().__init__(stream)
        self.setFormatter(formatter)

    def begin(self) -> None:
        """Wait for no reader from now on."""
        self.setStream(_nonblocking(self.stream))

    def write_in(self, writer: WriterThread) -> None:
        """Have a thread write it where it is a file: what else there is holds up nobody."""
        stream = self.stream
        if isinstance(stream, NonblockingStream) and stream.is_file:
            super().write_in(writer)

    def write_pending(self) -> None:
        """Write what nobody has read so far."""
        if self.writer() is not None:
            return
        with self.lock or contextlib.nullcontext(), contextlib.suppress(OSError):
            self.stream.flush()

    def close(self) -> None:
        """Write what waits, if somebody reads it soon."""
        super().close()
        if self.writer() is not None:
            return
        with self.lock or contextlib.nullcontext(), contextlib.suppress(OSError):
            if isinstance(self.stream, NonblockingStream):
                self.stream.finish(_LAST_LINES_S)
                self.stream.close()


class FallbackHandler(StreamLog):
    """Prints for a logger of :func:`mms.log.get_logger` while the root logger has no handler."""

    def filter(self, record: logging.LogRecord) -> Any:
        """Whether it is to print a record."""
        # Loggers 'a' and 'a.b' may both have one of these: the first to see a record prints it.
        if logging.getLogger().handlers or getattr(record, 'mms_printed', False):
            return False
        record.mms_printed = True
        return super().filter(record)


def wants_colour(stream: Any) -> bool:
    """Whether lines on a stream are to be coloured."""
    return is_terminal(stream) and not os.environ.get('NO_COLOR')


def _nonblocking(stream: Any) -> Any:
    """Where it is a file of this process; else, as in some programs that embed, it is as it is."""
    try:
        stream.flush()
        return NonblockingStream(stream)
    except (OSError, ValueError, AttributeError):
        return stream
