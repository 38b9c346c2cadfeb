"""How a worker's log reaches the front, which owns the log file.

A worker writes each record as one line of JSON. The front hands it on with the worker's own
PID, place, time and requests.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import time
from collections.abc import Sequence
from typing import Any, Optional

from mms.log.json_lines import MODEL
from mms.log.lines import one_line, plain_message, trace_of
from mms.log.request_ids import MOST_IDS, NO_MARKS, Marks, Named, marks, marks_of

# A worker's longer message is cut: the front reads, escapes and writes each in one go, and has
# nothing else to do in the meantime than to let everybody wait.
MAX_RELAYED_CHARS = 128 * 1024
# Longer than the line of any record: it has a message and a traceback, and each character is 12
# bytes at most.
MAX_LINE_BYTES = 4 * 1024 * 1024
_MAX_NAME_CHARS = 1024

_FIELD_TYPES: dict[str, Any] = {
    'level': int, 'created': (int, float), 'process': int, 'pathname': str, 'funcName': str,
    'lineno': int, 'name': str, 'message': str,
}
# These may be missing.
_MORE_FIELD_TYPES: dict[str, Any] = {'exception': str, 'marks': list}


class RecordPipe(logging.Handler):
    """Writes each record as one line of JSON to a file descriptor."""

    def __init__(self, stream_fd: int) -> None:
        super().__init__()
        self.stream_fd = stream_fd

    def emit(self, record: logging.LogRecord) -> None:
        """Write `record`, if anybody reads."""
        # A front that is gone, or a value that is no JSON, must not reach the hook that logs.
        with contextlib.suppress(Exception):
            _write_all(self.stream_fd, _as_line(record))


def relay(line: bytes, model: str = '') -> None:
    """Log a record that a worker wrote, as if the worker had the log file itself.

    A line of another origin is logged as it is at INFO; a blank one is dropped.

    Parameters
    ----------
    model
        Name of the worker's model.
    """
    record = _record_of(line)
    if record is not None:
        _handle(record, model)
        return
    text = _text_of(line)
    if text:
        logging.getLogger(__name__).info('%s', text)


def relay_output(line: bytes, pid: int, model: str, in_hand: Sequence[Named] = ()) -> None:
    """Log at INFO what a worker printed, on standard output or standard error.

    Parameters
    ----------
    in_hand
        The requests that it has in hand.
    """
    text = _text_of(line)
    if text and logging.getLogger().isEnabledFor(logging.INFO):
        record = logging.LogRecord('mms.output', logging.INFO, 'output', 0, text, None, None, model)
        record.process = pid
        record.mms_marks = marks(in_hand)
        _handle(record, model)


def _handle(record: logging.LogRecord, model: str) -> None:
    if model:
        record.__dict__[MODEL] = model
    logging.getLogger().handle(record)


def _text_of(line: bytes) -> str:
    return line.decode('utf-8', 'backslashreplace').rstrip()


def _as_line(record: logging.LogRecord) -> bytes:
    fields: dict[str, Any] = {
        'level': record.levelno, 'created': record.created, 'process': record.process,
        'pathname': _cut(record.pathname, _MAX_NAME_CHARS),
        'funcName': _cut(record.funcName, _MAX_NAME_CHARS), 'lineno': record.lineno,
        'name': _cut(record.name, _MAX_NAME_CHARS),
        'message': _cut(plain_message(record), MAX_RELAYED_CHARS),
    }
    trace = trace_of(record)
    if trace:
        fields['exception'] = _cut(trace, MAX_RELAYED_CHARS)
    about = marks_of(record)
    if about.ids:
        fields['marks'] = about
    return json.dumps(fields).encode('ascii') + b'\n'


def _cut(text: Optional[str], most: int) -> str:
    """Of a record that a library makes by hand, a name may be None."""
    if text is None or len(text) <= most:
        return text or ''
    return f'{text[:most]} [{len(text) - most} more characters]'


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest):]
        except BlockingIOError:
            # Descriptors that come from gevent are non-blocking: wait for the front to read.
            # Not select(), which takes no descriptor from 1024 on.
            waiting = select.poll()
            waiting.register(fd, select.POLLOUT)
            waiting.poll()


def _record_of(line: bytes) -> Optional[logging.LogRecord]:
    """The record that a worker wrote, or None if the line is nothing of the kind."""
    try:
        fields = json.loads(line)
        typed = (all(isinstance(fields[name], kind) for name, kind in _FIELD_TYPES.items())
                 and all(isinstance(fields[name], kind)
                         for name, kind in _MORE_FIELD_TYPES.items() if name in fields))
        time.localtime(fields['created'])
    except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError):
        return None
    return _rebuild(fields) if typed else None


def _rebuild(fields: dict[str, Any]) -> logging.LogRecord:
    record = logging.LogRecord(fields['name'], fields['level'], fields['pathname'],
                               fields['lineno'], fields['message'], None, None,
                               fields['funcName'])
    record.exc_text = fields.get('exception')
    record.mms_marks = _marks(fields.get('marks'))
    record.process = fields['process']
    record.created = fields['created']
    record.msecs = int(fields['created'] % 1 * 1000)
    return record


def _marks(given: Optional[list[Any]]) -> Marks:
    """What a worker says of the requests of a record."""
    if given is None or len(given) != len(Marks._fields):
        return NO_MARKS
    ids, more, trace_parent, trace_state = given
    if not isinstance(ids, list) or not isinstance(more, int):
        return NO_MARKS
    return Marks([one_line(str(each)) for each in ids[:MOST_IDS]], more,
                 one_line(str(trace_parent)), one_line(str(trace_state)))
