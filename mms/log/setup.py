"""Where log lines go: the terminal and the log file of the front, its pipe in a worker."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterable
from logging.handlers import TimedRotatingFileHandler
from typing import Any, Optional, TypeVar, Union

from mms.errors import UsageError
from mms.log.lines import Formatter
from mms.log.relay import RecordPipe
from mms.log.rotation import LEVELS, LogRotation
from mms.runtime.nonblocking_stream import NonblockingStream
from mms.runtime.streams import is_terminal, say

LOG_LEVEL_DICT: dict[str, int] = {name: getattr(logging, name) for name in LEVELS}

# Libraries that talk about themselves at INFO; heard only when somebody debugs.
CHATTY_LOGGERS = ('urllib3', 'boto3', 'botocore', 's3transfer', 'gevent')

# When the log ends, a reader that is late has so long.
_LAST_LINES_S = 1.0

AHandler = TypeVar('AHandler', bound=logging.Handler)


class _SafeHandler(logging.Handler):
    """A log that cannot be written never reaches the caller, and complains once."""

    _failed = False
    _is_failing = False

    def emit(self, record: logging.LogRecord) -> None:
        self._failed = False
        super().emit(record)
        self._is_failing = self._failed

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        self._failed = True
        if not self._is_failing:
            self.complain(sys.exc_info()[1])

    def complain(self, error: Optional[BaseException]) -> None:
        """Say once that lines are lost."""


class _Terminal(_SafeHandler, logging.StreamHandler):  # type: ignore[type-arg]  # none before 3.11
    # Of the root logger, before the first log of this package.
    level_before = logging.WARNING

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(Formatter(coloured=_wants_colour(sys.stderr)))

    def begin(self) -> None:
        """Wait for no reader from now on."""
        self.setStream(_nonblocking(self.stream))

    def write_pending(self) -> None:
        """Write what nobody has read so far."""
        with self.lock or contextlib.nullcontext(), contextlib.suppress(OSError):
            self.stream.flush()

    def close(self) -> None:
        """Write what waits, if somebody reads it soon."""
        with self.lock or contextlib.nullcontext(), contextlib.suppress(OSError):
            if isinstance(self.stream, NonblockingStream):
                self.stream.finish(_LAST_LINES_S)
                self.stream.close()
        super().close()


class _LogFile(_SafeHandler, TimedRotatingFileHandler):
    """Holds its lines back, and makes no file, until :meth:`begin`."""

    def __init__(self, path: str, rotation: LogRotation) -> None:
        super().__init__(path, when=rotation.when, interval=rotation.interval,
                         encoding='utf-8', errors='backslashreplace', delay=True)
        self.setFormatter(Formatter(coloured=False))
        self._held: Optional[list[logging.LogRecord]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if self._held is None:
            super().emit(record)
        else:
            self._held.append(record)

    def begin(self) -> None:
        """Open the file, and write what was held back."""
        if not os.path.exists(self.baseFilename):
            # A slow start leaves no empty file behind.
            self.rolloverAt = self.computeRollover(int(time.time()))
        self.stream = self._open()
        held, self._held = self._held or [], None
        for record in held:
            self.handle(record)

    def forget(self) -> None:
        """Let go of what was held back."""
        self._held = []

    def complain(self, error: Optional[BaseException]) -> None:
        say(f'The log file {self.baseFilename} cannot be written ({error}): lines are missing '
            'there until it can.', sys.stderr)


def _nonblocking(stream: Any) -> Any:
    """Where it is a file of this process; else, as in some programs that embed, it is as it is."""
    try:
        stream.flush()
        return NonblockingStream(stream)
    except (OSError, ValueError, AttributeError):
        return stream


class _FallbackHandler(_Terminal):
    """Prints for a logger of :func:`get_logger` while the root logger has no handler."""

    def filter(self, record: logging.LogRecord) -> Any:
        # Loggers 'a' and 'a.b' may both have one of these: the first to see a record prints it.
        if logging.getLogger().handlers or getattr(record, 'mms_printed', False):
            return False
        record.mms_printed = True
        return super().filter(record)


class FrontLog:
    """Sends everything that is logged to the terminal (stderr) and to a log file.

    The file is written from :meth:`begin` on: a start that fails makes none. Where
    the process has logs of earlier ones, they are replaced then.

    Parameters
    ----------
    log_file, rotation, level
        Of the flags of the same names.
    said
        Where `log_file` comes from, for messages.

    Raises
    ------
    UsageError
        The file cannot be opened; nothing was changed.
    """

    def __init__(self, log_file: str, rotation: LogRotation, level: int,
                 said: str = '--log-file') -> None:
        self._said = said
        try:
            _check_writable(log_file)
            self._file = _LogFile(log_file, rotation)
        except (OSError, ValueError) as error:
            raise _unusable(said, log_file, error) from error
        root = logging.getLogger()
        # What is logged while this one starts, the log of an earlier start has already.
        self._earlier = [handler for handler in _handlers_of(root, _LogFile)
                         if handler.baseFilename == self._file.baseFilename]
        before = _handlers_of(root, _Terminal)
        self._terminal = _Terminal()
        self._terminal.level_before = before[0].level_before if before else root.level
        _replace(root, before, [self._terminal, self._file])
        _set_levels(level)

    def begin(self) -> None:
        """Write the file from now on; what was logged before comes first.

        Raises
        ------
        UsageError
            The file cannot be opened any more.
        """
        if self._earlier:
            self._file.forget()
        try:
            self._file.begin()
        except OSError as error:
            raise _unusable(self._said, self._file.baseFilename, error) from error
        root = logging.getLogger()
        others = [handler for handler in _handlers_of(root, _LogFile) if handler is not self._file]
        _replace(root, others, [])
        self._terminal.begin()

    def write_pending(self) -> None:
        """Write to the terminal what nobody has read there so far."""
        self._terminal.write_pending()

    def fail(self, reason: str) -> None:
        """Write into a file that is there already why the server does not start."""
        if self._earlier:
            self._file.forget()
        if os.path.exists(self._file.baseFilename):
            with contextlib.suppress(OSError):
                self._file.begin()
                self._file.handle(logging.getLogger().makeRecord(
                    'mms', logging.ERROR, __file__, 0, '%s', (reason,), None, 'fail'))
        self.discard()

    def discard(self) -> None:
        """Write no file any more."""
        _replace(logging.getLogger(), [self._file], [])

    def end(self) -> None:
        """Leave the process's logging as it was, unless another log has taken over."""
        root = logging.getLogger()
        if self._terminal in root.handlers:
            _replace(root, [self._terminal, self._file], [])
            _set_levels(self._terminal.level_before)


def _check_writable(path: str) -> None:
    """Raise OSError where a file cannot be written; make none, and wait for nobody."""
    if '\0' in path:
        raise ValueError('embedded null byte')
    if os.path.exists(path):
        # Non-blocking: a FIFO that nobody reads is refused.
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK))
        return
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _unusable(said: str, path: str, error: Exception) -> UsageError:
    reason = getattr(error, 'strerror', None) or error
    return UsageError(f'{said} {path!r} cannot be opened: {reason}; name a file in a folder '
                      'that exists and may be written to')


def _handlers_of(logger: logging.Logger, kind: type[AHandler]) -> list[AHandler]:
    return [handler for handler in logger.handlers if isinstance(handler, kind)]


def configure_worker(stream_fd: int, level: int) -> None:
    """Send everything that is logged in this process to the front, through `stream_fd`."""
    root = logging.getLogger()
    _replace(root, list(root.handlers), [RecordPipe(stream_fd)])
    _set_levels(level)


def get_logger(name: Optional[str] = None, filename: Optional[str] = None,
               level: Union[str, int] = 'NOTSET', rotate_value: str = 'H',
               rotate_interval: int = 1) -> logging.Logger:
    """Logger for a service or a script.

    In a server its records go where the server's go, each once. Elsewhere they are printed on
    stderr.

    Parameters
    ----------
    name
        The logger's name; None for the root logger, which is returned untouched.
    filename
        A log file of its own, beside the server's.
    level
        Name or number of the lowest level that is logged; ``NOTSET`` leaves it to the server.
    rotate_value, rotate_interval
        `filename` is rotated every `rotate_interval` times `rotate_value` (``S``, ``M``, ``H``,
        ``D``, ``W0`` to ``W6``, ``midnight``).

    Raises
    ------
    OSError
        `filename` cannot be opened.
    ValueError
        `level` or `rotate_value` is unknown.
    """
    logger = logging.getLogger(name)
    if name is None:
        return logger
    if filename:
        _add_file(logger, filename, LogRotation(rotate_interval, rotate_value))
    elif not logger.handlers:
        logger.addHandler(_FallbackHandler())
    if level not in ('NOTSET', logging.NOTSET):
        logger.setLevel(level)
    return logger


def getLogger(name: Optional[str] = None, filename: Optional[str] = None,  # noqa: N802
              filemode: Optional[str] = None, level: Union[str, int] = 'NOTSET') -> logging.Logger:
    """Deprecated spelling of :func:`get_logger`; `filemode` has no effect."""
    warnings.warn('mms.log.setup.getLogger is deprecated: call mms.log.setup.get_logger',
                  DeprecationWarning, stacklevel=2)
    return get_logger(name, filename, level)


def _add_file(logger: logging.Logger, path: str, rotation: LogRotation) -> None:
    known = {h.baseFilename for h in logger.handlers if isinstance(h, _LogFile)}
    if os.path.abspath(path) not in known:
        handler = _LogFile(path, rotation)
        handler.begin()
        logger.addHandler(handler)


def _replace(logger: logging.Logger, old: Iterable[logging.Handler],
             new: Iterable[logging.Handler]) -> None:
    for handler in old:
        logger.removeHandler(handler)
        handler.close()
    for handler in new:
        logger.addHandler(handler)


def _set_levels(level: int) -> None:
    logging.getLogger().setLevel(level)
    for name in CHATTY_LOGGERS:
        quiet = logging.NOTSET if level <= logging.DEBUG else max(level, logging.WARNING)
        logging.getLogger(name).setLevel(quiet)


def _wants_colour(stream: Any) -> bool:
    return is_terminal(stream) and not os.environ.get('NO_COLOR')
