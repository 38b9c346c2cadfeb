"""Lines of the log for programs: one JSON object each."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mms.log.lines import LineFormatter, plain_message, trace_of
from mms.log.request_ids import Marks, marks_of

# What `extra` of a log call has for these lines: name of a field -> value.
FIELDS = 'mms_fields'
# The same for the name of the model whose process has logged a record.
MODEL = 'mms_model'
# To make one for each line takes longer than the line.
_encode = json.JSONEncoder(default=str).encode
# How it begins in JSON; one alone is no text to many who read JSON.
_SURROGATE = '\\ud'
_TRACEBACK = 'Traceback (most recent call last):\n'


class JSONFormatter(LineFormatter):
    """Makes one line of ASCII of a record; never raises over what a caller logged."""

    def line(self, record: logging.LogRecord) -> str:
        """The JSON object."""
        fields = {
            'time': _rfc3339(record.created),
            'level': record.levelname,
            'logger': record.name,
            'message': plain_message(record),
            'process': record.process,
            'file': record.pathname,
            'line': record.lineno,
            'function': record.funcName,
        }
        _add_marks(fields, marks_of(record))
        model = record.__dict__.get(MODEL)
        if model is not None:
            fields['model'] = model
        more = record.__dict__.get(FIELDS)
        if isinstance(more, Mapping):
            fields.update(more)
        _add_trace(fields, trace_of(record))
        text = _encode(fields)
        # An emoji may be in it too.
        return _encode({name: _well_formed(value) for name, value in fields.items()}) \
            if _SURROGATE in text else text


def field_value(value: float, digits: int) -> float:
    """A measured number as a line has it: JSON has no NaN and no infinity."""
    return round(value, digits) if math.isfinite(value) else 0.0


def _well_formed(value: Any) -> Any:
    """Text whose lone surrogates are written out, as lines for people have them."""
    return value.encode('utf-8', 'backslashreplace').decode() if isinstance(value, str) else value


def _add_marks(fields: dict[str, Any], marks: Marks) -> None:
    if len(marks.ids) == 1 and not marks.more:
        fields['request_id'] = marks.ids[0]
    elif marks.ids:
        fields['request_ids'] = list(marks.ids)
        if marks.more:
            fields['more_requests'] = marks.more
    if marks.trace_parent:
        fields['traceparent'] = marks.trace_parent
    if marks.trace_state:
        fields['tracestate'] = marks.trace_state


def _add_trace(fields: dict[str, Any], trace: str) -> None:
    """Put a traceback into a field of its own, also where it was logged as the message."""
    message = fields['message']
    if not trace and message.startswith(_TRACEBACK):
        trace = message.rstrip()
        fields['message'] = trace.rpartition('\n')[2]
    if trace:
        fields['exception'] = trace


def _rfc3339(created: float) -> str:
    second = math.floor(created)
    return f'{_utc(second)}.{int((created - second) * 1000):03d}Z'


@lru_cache(maxsize=1)
def _utc(second: int) -> str:
    return time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(second))
