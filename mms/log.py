"""Log lines: how they look, where they go, how a worker's reach the front.

A line is ``[INFO 2018-05-24 10:59:46,301 PID:7072 /path/file.py:function:12 message``. On a
terminal the head is coloured and its bracket closed. The front process owns the log file; a
worker writes each record as one line of JSON, and the front hands it on with the worker's own
PID, place and time.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import select
import sys
import time
import warnings
from collections.abc import Iterable
from logging.handlers import TimedRotatingFileHandler
from typing import Any, Optional, Union

from mms.config import LOG_LEVELS, LogRotation
from mms.errors import UsageError
from mms.streams import is_terminal, say

LOG_LEVEL_DICT: dict[str, int] = {name: getattr(logging, name) for name in LOG_LEVELS}

# Libraries that talk about themselves at INFO; heard only when somebody debugs.
CHATTY_LOGGERS = ('urllib3', 'boto3', 'botocore', 's3transfer', 'gevent')
# A worker's longer message is cut, so that one line never fills the front's memory.
MAX_RELAYED_CHARS = 1 << 20

_CONTROL = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029]')
_RED, _GREEN, _BLUE, _RESET = '\x1b[31m', '\x1b[32m', '\x1b[34m', '\x1b[0m'
_FIELD_TYPES: dict[str, Any] = {
    'level': int, 'created': (int, float), 'process': int, 'pathname': str, 'funcName': str,
    'lineno': int, 'name': str, 'message': str,
}


class Formatter(logging.Formatter):
    """Makes one log line of a record; never raises over what a caller logged.

    Parameters
    ----------
    coloured
        Close the head's bracket and colour it by level, for a terminal.
    """

    def __init__(self, coloured: bool = True) -> None:
        super().__init__()
        self.coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        """Head and message of `record`, its traceback on the lines below."""
        head = (f'[{record.levelname} {self.formatTime(record)} PID:{record.process} '
                f'{record.pathname}:{record.funcName}:{record.lineno}')
        if self.coloured:
            head = f'{_colour(record.levelno)}{head}]{_RESET}'
        return f'{head} {message_of(record)}'


def message_of(record: logging.LogRecord) -> str:
    """The record's message, with its traceback and stack on the lines below."""
    parts = [_plain_message(record)]
    with contextlib.suppress(Exception):
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
    parts += [text for text in (record.exc_text, record.stack_info) if text]
    return '\n'.join(parts)


def _plain_message(record: logging.LogRecord) -> str:
    """A message whose arguments do not fit it, or cannot be printed, is still a line."""
    try:
        return record.getMessage()
    except Exception as error:
        return f'{_printable(record.msg)} [arguments not logged: {type(error).__name__}]'


def one_line(text: str) -> str:
    """`text` with its control characters escaped: what a client sends forges no log line."""
    return _CONTROL.sub(lambda match: match.group().encode('unicode_escape').decode(), text)


def _printable(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f'<unprintable {type(value).__name__}>'


def _colour(level: int) -> str:
    if level >= logging.WARNING:
        return _RED
    return _GREEN if level >= logging.INFO else _BLUE


class _Quiet(logging.Handler):
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


class _Terminal(_Quiet, logging.StreamHandler):
    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(Formatter(coloured=_wants_colour(sys.stderr)))


class _LogFile(_Quiet, TimedRotatingFileHandler):
    def __init__(self, path: str, rotation: LogRotation) -> None:
        self.is_new = not os.path.exists(path)
        super().__init__(path, when=rotation.when, interval=rotation.interval,
                         encoding='utf-8', errors='backslashreplace')
        self.setFormatter(Formatter(coloured=False))

    def complain(self, error: Optional[BaseException]) -> None:
        say(f'The log file {self.baseFilename} cannot be written ({error}): lines are missing '
            'there until it can.', sys.stderr)


class _LastResort(_Terminal):
    """Prints for a logger of :func:`get_logger` while the root logger has no handler."""

    def filter(self, record: logging.LogRecord) -> Any:
        # Loggers 'a' and 'a.b' may both have one of these: the first to see a record prints it.
        if logging.getLogger().handlers or getattr(record, 'mms_printed', False):
            return False
        record.mms_printed = True
        return super().filter(record)


class _Pipe(logging.Handler):
    """Writes each record as one line of JSON to a file descriptor."""

    def __init__(self, stream_fd: int) -> None:
        super().__init__()
        self.stream_fd = stream_fd

    def emit(self, record: logging.LogRecord) -> None:
        # A front that is gone, or a value that is no JSON, must not reach the hook that logs.
        with contextlib.suppress(Exception):
            _write_all(self.stream_fd, _as_line(record))


def configure_front(log_file: str, rotation: LogRotation, level: int) -> None:
    """Send everything that is logged to the terminal (stderr) and to `log_file`.

    May be called again: the earlier handlers are closed and replaced.

    Raises
    ------
    UsageError
        The file cannot be opened; nothing was changed.
    """
    try:
        file_handler = _LogFile(log_file, rotation)
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise UsageError(f'--log-file {log_file!r} cannot be opened: {reason}; name a file in a '
                         'folder that exists and may be written to') from error
    root = logging.getLogger()
    _replace(root, [h for h in root.handlers if isinstance(h, (_Terminal, _LogFile))],
             [_Terminal(), file_handler])
    _set_levels(level)


def report_failed_start(message: str) -> None:
    """Write why the server does not start into its log file, or remove a file that is new."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _LogFile)]:
        if not handler.is_new:
            handler.handle(root.makeRecord(
                'mms', logging.ERROR, __file__, 0, message, (), None, 'report_failed_start'))
        _replace(root, [handler], [])
        if handler.is_new:
            with contextlib.suppress(OSError):
                os.unlink(handler.baseFilename)


def configure_worker(stream_fd: int, level: int) -> None:
    """Send everything that is logged in this process to the front, through `stream_fd`."""
    root = logging.getLogger()
    _replace(root, list(root.handlers), [_Pipe(stream_fd)])
    _set_levels(level)


def relay(line: bytes) -> None:
    """Log a record that a worker wrote, as if the worker had the log file itself.

    A line of another origin is logged as it is at INFO; a blank one is dropped.
    """
    record = _record_of(line)
    if record is not None:
        logging.getLogger().handle(record)
        return
    text = _text_of(line)
    if text:
        logging.getLogger(__name__).info('%s', text)


def relay_output(line: bytes, pid: int, model: str) -> None:
    """Log at INFO what a worker printed, on standard output or standard error."""
    text = _text_of(line)
    if text and logging.getLogger().isEnabledFor(logging.INFO):
        record = logging.LogRecord('mms.output', logging.INFO, 'output', 0, text, None, None, model)
        record.process = pid
        logging.getLogger().handle(record)


def _text_of(line: bytes) -> str:
    return line.decode('utf-8', 'backslashreplace').rstrip()


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
        logger.addHandler(_LastResort())
    if level not in ('NOTSET', logging.NOTSET):
        logger.setLevel(level)
    return logger


def getLogger(name: Optional[str] = None, filename: Optional[str] = None,  # noqa: N802
              filemode: Optional[str] = None, level: Union[str, int] = 'NOTSET') -> logging.Logger:
    """Deprecated spelling of :func:`get_logger`; `filemode` has no effect."""
    warnings.warn('mms.log.getLogger is deprecated: call mms.log.get_logger',
                  DeprecationWarning, stacklevel=2)
    return get_logger(name, filename, level)


def _add_file(logger: logging.Logger, path: str, rotation: LogRotation) -> None:
    known = {h.baseFilename for h in logger.handlers if isinstance(h, _LogFile)}
    if os.path.abspath(path) not in known:
        logger.addHandler(_LogFile(path, rotation))


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


def _as_line(record: logging.LogRecord) -> bytes:
    text = message_of(record)
    if len(text) > MAX_RELAYED_CHARS:
        text = f'{text[:MAX_RELAYED_CHARS]} [{len(text) - MAX_RELAYED_CHARS} more characters]'
    fields = {
        'level': record.levelno, 'created': record.created, 'process': record.process,
        'pathname': record.pathname, 'funcName': record.funcName, 'lineno': record.lineno,
        'name': record.name, 'message': text,
    }
    return json.dumps(fields).encode('ascii') + b'\n'


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest):]
        except BlockingIOError:
            # Descriptors that come from gevent are non-blocking: wait for the front to read.
            select.select([], [fd], [])


def _record_of(line: bytes) -> Optional[logging.LogRecord]:
    """The record that a worker wrote, or None if the line is nothing of the kind."""
    try:
        fields = json.loads(line)
        typed = all(isinstance(fields[name], kind) for name, kind in _FIELD_TYPES.items())
        time.localtime(fields['created'])
    except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError):
        return None
    return _rebuild(fields) if typed else None


def _rebuild(fields: dict[str, Any]) -> logging.LogRecord:
    record = logging.LogRecord(fields['name'], fields['level'], fields['pathname'],
                               fields['lineno'], fields['message'], None, None,
                               fields['funcName'])
    record.process = fields['process']
    record.created = fields['created']
    record.msecs = int(fields['created'] % 1 * 1000)
    return record
