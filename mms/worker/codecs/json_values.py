"""What JSON writes for a value of a kind that it does not have.

MMS 0.4 left that to Flask 1.0: a UUID as text, a date or time as in an HTTP header, what renders
itself (``__html__``) as it does; and, on Python 2, bytes as the UTF-8 text that they are. The rest
is as Flask does it today, or as plainly as it can be said.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from collections import deque
from collections.abc import Collection, Mapping, Sequence, Set, ValuesView
from dataclasses import fields, is_dataclass
from email.utils import format_datetime
from typing import Any

import numpy as np

# What the JSON writer takes as it is, as a value and as a key; classes derived from these too.
PLAIN = (str, int, float, type(None))


def json_value(value: Any) -> Any:
    """`value` one step nearer to JSON; what it holds may need the same.

    Raises
    ------
    TypeError
        JSON has nothing for it.
    """
    if isinstance(value, np.generic):
        return _of_numpy(value)
    if isinstance(value, np.ndarray):
        return _in_microseconds(value).tolist()
    if hasattr(value, 'asnumpy'):
        return value.asnumpy().tolist()
    if isinstance(value, datetime.date):
        return _http_date(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if hasattr(value, '__html__'):
        return str(value.__html__())
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _text(bytes(value))
    return _of_several(value)


def _of_several(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return _sorted(value)
    if isinstance(value, (Sequence, ValuesView, deque)):
        return list(value)
    raise TypeError(f'a prediction cannot hold {type(value).__name__}: JSON has no such value; '
                    'return text, numbers, lists and dicts')


def _of_numpy(value: np.generic) -> Any:
    if isinstance(value, np.floating):
        return float(value)
    if isinstance(value, np.complexfloating):
        # The item of the longest kind is itself.
        return complex(value)
    return _in_microseconds(value).item()


def _in_microseconds(value: Any) -> Any:
    """A time of NumPy in the unit of Python's; what else there is as it is."""
    return value.astype('datetime64[us]') if value.dtype.kind == 'M' else value


def _http_date(value: datetime.date) -> str:
    """As ``Thu, 24 May 2018 10:00:00 GMT``; a time of no zone is taken as GMT, as Flask does."""
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    moment = datetime.datetime(*value.utctimetuple()[:6], tzinfo=datetime.timezone.utc)
    return format_datetime(moment, usegmt=True)


def _text(data: bytes) -> str:
    try:
        return data.decode('utf-8')
    except UnicodeDecodeError:
        raise TypeError('a prediction cannot hold bytes that are no UTF-8 text: return them as '
                        "base64.b64encode(...).decode('ascii')") from None


def _sorted(values: Collection[Any]) -> list[Any]:
    """In an order that does not change from process to process, where there is one."""
    plain = [value if isinstance(value, PLAIN) else json_value(value) for value in values]
    try:
        return sorted(plain)
    except TypeError:
        return sorted(plain, key=lambda value: (type(value).__name__, repr(value)))
