"""Where log lines go: standard error and the log file of the front, its pipe in a worker."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import Optional, TypeVar, Union

from mms.errors import UsageError
from mms.log.background import WriterThread
from mms.log.brief_start import ALWAYS, BriefStart
from mms.log.handlers import FallbackHandler, StreamLog, wants_colour
from mms.log.json_lines import JSONFormatter
from mms.log.lines import Formatter
from mms.log.log_file import LogFile, SharedLogFile
from mms.log.relay import RecordPipe
from mms.log.rotation import LEVELS, LogRotation
from mms.runtime.streams import is_terminal, say

logger = logging.getLogger(__name__)

TEXT, JSON = 'text', 'json'
FORMATS = (TEXT, JSON)
# In the place of a file's name.
STANDARD_OUTPUT = '-'

LOG_LEVEL_DICT: dict[str, int] = {name: getattr(logging, name) for name in LEVELS}

# Libraries that talk about themselves at INFO -> what they are heard from, unless somebody debugs.
# A connection of urllib3 warns of headers that make no sense, with a traceback: a server that is
# asked for an archive could fill the log with them.
CHATTY_LOGGERS = {**dict.fromkeys(('urllib3', 'boto3', 'botocore', 's3transfer', 'gevent'),
                                  logging.WARNING), 'urllib3.connection': logging.ERROR}

AHandler = TypeVar('AHandler', bound=logging.Handler)


class FrontLog:
    """Sends everything that is logged to standard error and to a log file, or to standard output.

    The file is written from :meth:`begin` on: a start that fails makes none. Where
    the process has logs of earlier ones, they are replaced then. A terminal shows few lines of
    the start.

    Parameters
    ----------
    log_file, rotation, level, form, verbose
        Of the flags of the same names; `form` is one of `FORMATS`.
    said
        Where `log_file` comes from, for messages.
    in_background
        Whether a thread writes what is a file on a disk, from :meth:`begin` on.
    follows
        Whether another process of the same server has the log, and rotates the file.

    Raises
    ------
    UsageError
        The file cannot be opened; nothing was changed.
    """

    def __init__(self, log_file: str, rotation: LogRotation, level: int,
                 said: str = '--log-file', form: str = TEXT, verbose: bool = False,
                 in_background: bool = False, follows: bool = False) -> None:
        self._said = said
        self._in_background = in_background
        self._follows = follows
        self._is_json = form == JSON
        written = JSONFormatter() if self._is_json else Formatter(coloured=False)
        self._file = None if log_file == STANDARD_OUTPUT else _opened(
            said, log_file, rotation, written, follows)
        root = logging.getLogger()
        # What is logged while this one starts, the log of an earlier start has already.
        self._earlier = [handler for handler in _handlers_of(root, LogFile)
                         if self._file and handler.baseFilename == self._file.baseFilename]
        before = _handlers_of(root, StreamLog)
        self._brief = BriefStart()
        self._stream = self._stream_log(written, verbose or level <= logging.DEBUG)
        self._stream.level_before = before[0].level_before if before else root.level
        _replace(root, before, [self._stream, *self._files()])
        _set_levels(level)

    def begin(self) -> None:
        """Write the file from now on; what was logged before comes first.

        Raises
        ------
        UsageError
            The file cannot be opened any more.
        """
        if self._file is not None:
            if self._earlier:
                self._file.forget()
            try:
                self._file.begin()
            except OSError as error:
                raise _unusable(self._said, self._file.baseFilename, error) from error
        root = logging.getLogger()
        others = [handler for handler in _handlers_of(root, LogFile) if handler is not self._file]
        _replace(root, others, [])
        if self._file is not None:
            self._share(self._file)
        self._stream.begin()
        if self._in_background:
            writer = WriterThread()
            self._stream.write_in(writer)
            if self._file is not None:
                self._file.write_in(writer)

    @property
    def is_standard_output(self) -> bool:
        """Whether the log goes there, and to no file."""
        return self._file is None

    def announce(self, lines: Sequence[str]) -> None:
        """Print on standard output what is served; where JSON lines go there, in one of them."""
        if self.is_standard_output and self._is_json:
            # No arguments: it may have several lines.
            logger.info('\n'.join(lines))
        else:
            say(lines)
        self.started()

    def started(self) -> None:
        """The start is over: a terminal shows more from now on."""
        self._brief.end()

    def write_pending(self) -> None:
        """Write to the terminal what nobody has read there so far."""
        self._stream.write_pending()

    def reopen(self) -> None:
        """Write to the file that has the log file's name now: another program has moved it.

        It takes as long as the disk does.
        """
        if self._file is not None:
            self._file.reopen()

    def fail(self, reason: str) -> None:
        """Write into a file that is there already why the server does not start."""
        if self._earlier and self._file is not None:
            self._file.forget()
        record = logging.getLogger().makeRecord(
            'mms', logging.ERROR, __file__, 0, '%s', (reason,), None, 'fail')
        if self._file is None:
            self._stream.handle(record)
        elif os.path.exists(self._file.baseFilename):
            with contextlib.suppress(OSError):
                self._file.begin()
                self._file.handle(record)
        self.discard()

    def discard(self) -> None:
        """Write no file any more."""
        _replace(logging.getLogger(), self._files(), [])

    def end(self) -> None:
        """Leave the process's logging as it was, unless another log has taken over."""
        root = logging.getLogger()
        if self._stream in root.handlers:
            _replace(root, [self._stream, *self._files()], [])
            _set_levels(self._stream.level_before)

    def _files(self) -> list[logging.Handler]:
        return [] if self._file is None else [self._file]

    def _stream_log(self, written: logging.Formatter, whole: bool) -> StreamLog:
        """What writes to the standard stream; the whole log, or only what a person wants."""
        if self._file is None:
            colours = wants_colour(sys.stdout) and not self._is_json
            return StreamLog(sys.stdout, Formatter() if colours else written)
        if not is_terminal(sys.stderr):
            return StreamLog(sys.stderr, written)
        shown = Formatter(coloured=wants_colour(sys.stderr))
        return StreamLog(sys.stderr, shown) if whole else self._brief.stream_log(sys.stderr, shown)

    def _share(self, file: SharedLogFile) -> None:
        if not file.share() and not self._follows:
            logger.info('Another process writes the log file %s too, and rotates it: this one '
                        'writes there, and does not rotate it while the other runs. %s gives it '
                        'a file of its own.', file.baseFilename, self._said, extra=ALWAYS)
        self._brief.tell_rest(self._stream, file.baseFilename)


def _opened(said: str, path: str, rotation: LogRotation,
            formatter: logging.Formatter, follows: bool = False) -> SharedLogFile:
    try:
        _check_writable(path)
        return SharedLogFile(path, rotation, formatter, follows)
    except (OSError, ValueError) as error:
        raise _unusable(said, path, error) from error


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
        logger.addHandler(FallbackHandler(
            sys.stderr, Formatter(coloured=wants_colour(sys.stderr))))
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
    known = {h.baseFilename for h in logger.handlers if isinstance(h, LogFile)}
    if os.path.abspath(path) not in known:
        handler = LogFile(path, rotation, Formatter(coloured=False))
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
    for name, least in CHATTY_LOGGERS.items():
        quiet = logging.NOTSET if level <= logging.DEBUG else max(level, least)
        logging.getLogger(name).setLevel(quiet)
