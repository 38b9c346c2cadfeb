"""How a log line looks.

A line is ``[INFO 2018-05-24 10:59:46,301 PID:7072 /path/file.py:function:12 message``. On a
terminal the head is coloured and its bracket closed. The names of the requests that it is about
come at the end of its first line.
"""

from __future__ import annotations

import contextlib
import logging
import time
from abc import abstractmethod
from functools import lru_cache
from typing import Optional

from mms.log.request_ids import marks_of
from mms.runtime.printable import further_lines, one_line

__all__ = ['Formatter', 'LeveledFormatter', 'LineFormatter', 'message_of', 'one_line',
           'plain_message', 'trace_of']

_PACKAGE = 'mms'
_RED, _GREEN, _BLUE, _RESET = '\x1b[31m', '\x1b[32m', '\x1b[34m', '\x1b[0m'


class LineFormatter(logging.Formatter):
    """Makes the line of a record once, for all handlers that have this formatter."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; with further ones below, where it has some."""
        made = record.__dict__.get('mms_line')
        if made is None or made[0] is not self:
            made = record.mms_line = (self, self.line(record))
        text: str = made[1]
        return text

    @abstractmethod
    def line(self, record: logging.LogRecord) -> str:
        """Make the line."""


class Formatter(LineFormatter):
    """Makes a log line of a record for a person; never raises over what a caller logged.

    Parameters
    ----------
    coloured
        Close the head's bracket and colour it by level, for a terminal.
    """

    def __init__(self, coloured: bool = True) -> None:
        super().__init__()
        self.coloured = coloured

    def formatTime(self, record: logging.LogRecord,  # noqa: N802
                   datefmt: Optional[str] = None) -> str:
        """Local time, with milliseconds."""
        return f'{_local_time(int(record.created))},{int(record.msecs):03d}'

    def line(self, record: logging.LogRecord) -> str:
        """Head and message of `record`, its traceback on the lines below; both are escaped."""
        head = (f'[{one_line(record.levelname)} {self.formatTime(record)} PID:{record.process} '
                f'{_place(record.pathname, record.funcName, record.lineno)}')
        if self.coloured:
            head = f'{_colour(record.levelno)}{head}]{_RESET}'
        text = further_lines(message_of(record))
        ids = str(marks_of(record))
        if ids:
            first, end, rest = text.partition('\n')
            text = f'{first}{ids}{end}{rest}'
        return f'{head} {text}'


@lru_cache(maxsize=64)
def _place(path: str, function: Optional[str], line: int) -> str:
    return one_line(f'{path}:{function}:{line}')


@lru_cache(maxsize=1)
def _local_time(second: int) -> str:
    return time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(second))


class LeveledFormatter(logging.Formatter):
    """The message alone, for a command; a warning says that it is one."""

    def format(self, record: logging.LogRecord) -> str:
        """``WARNING: message`` from that level on."""
        head = f'{record.levelname}: ' if record.levelno >= logging.WARNING else ''
        return head + further_lines(message_of(record))


def message_of(record: logging.LogRecord) -> str:
    """The record's message, with its traceback and stack on the lines below."""
    trace = trace_of(record)
    return f'{plain_message(record)}\n{trace}' if trace else plain_message(record)


def trace_of(record: logging.LogRecord) -> str:
    """The traceback and the stack that a record came with, if it did."""
    if not (record.exc_info or record.exc_text or record.stack_info):
        return ''
    with contextlib.suppress(Exception):
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
    return '\n'.join(text for text in (record.exc_text, record.stack_info) if text)


def plain_message(record: logging.LogRecord) -> str:
    """A message whose arguments do not fit it, or cannot be printed, is still a line."""
    try:
        text = record.getMessage()
        # What this package names in its messages comes from clients and archives: it makes no
        # lines. A service may print a table.
        return one_line(text) if record.args and _is_ours(record) else text
    except Exception as error:
        return f'{_printable(record.msg)} [arguments not logged: {type(error).__name__}]'


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name == _PACKAGE or record.name.startswith(f'{_PACKAGE}.')


def _printable(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f'<unprintable {type(value).__name__}>'


def _colour(level: int) -> str:
    if level >= logging.WARNING:
        return _RED
    return _GREEN if level >= logging.INFO else _BLUE
