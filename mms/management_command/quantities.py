"""Values of JSON as a person reads them, with the units that their fields' names tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

NOTHING = '-'
_CAMEL = re.compile(r'(?<=[a-z0-9])(?=[A-Z])')
_KB, _MB, _GB = 2**10, 2**20, 2**30
# Objects within objects that are shown.
_DEEPEST = 8
_DEEPER = '...'
# Of a larger number no unit makes it shorter.
_LARGEST = 1e300
# A number of three digits needs no point.
_MANY = 100


def words_of(field: str) -> str:
    """``maxBatchDelay`` as words; without its unit, which stands beside the value."""
    name = next((field[:-len(suffix)] for suffix in _SUFFIXES
                 if field.endswith(suffix) and field != suffix), field)
    return _CAMEL.sub(' ', name).replace('_', ' ').lower()


def text_of(value: Any, field: str = '', left: int = _DEEPEST) -> str:
    """A value, as the name of its field tells to read it; `left` levels of what is within it."""
    if value is None or value == '' or value == {} or value == []:
        return NOTHING
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, (int, float)):
        return _reader_of(field)(value) if abs(value) < _LARGEST else str(value)
    if isinstance(value, (Mapping, list)) and not left:
        return _DEEPER
    if isinstance(value, Mapping):
        return ', '.join(f'{words_of(str(key))} {_within(each, field, str(key), left - 1)}'
                         for key, each in value.items())
    if isinstance(value, list):
        return ', '.join(text_of(each, field, left - 1) for each in value)
    return str(value)


def seconds_text(seconds: float) -> str:
    """``3.14 ms``, ``1.5 s``."""
    return f'{number_text(seconds)} s' if seconds >= 1 else milliseconds_text(seconds * 1000)


def milliseconds_text(milliseconds: float) -> str:
    """``3.14 ms``."""
    return f'{number_text(milliseconds)} ms'


def bytes_text(size: float) -> str:
    """``210 MB``."""
    if size < _MB:
        return f'{size / _KB:.0f} KB'
    return f'{size / _MB:.0f} MB' if size < _GB else f'{size / _GB:.1f} GB'


def number_text(value: float) -> str:
    """Three digits that count: ``0.42``, ``9.3``, ``1200``."""
    return f'{value:.3g}' if abs(value) < _MANY else f'{value:.0f}'


def _within(value: Any, field: str, key: str, left: int) -> str:
    """A value of an object, whose unit may be that of the object."""
    return text_of(value, field if _reader_of(key) is number_text else key, left)


_Reader = Callable[[float], str]
_SUFFIXES: Mapping[str, _Reader] = {
    'Seconds': seconds_text, 'Milliseconds': milliseconds_text, 'Bytes': bytes_text,
}
# Names of MMS 1.x.
_NAMES: Mapping[str, _Reader] = {
    'maxBatchDelay': milliseconds_text, 'responseTimeout': seconds_text, 'memoryUsage': bytes_text,
}


def _reader_of(field: str) -> _Reader:
    if field in _NAMES:
        return _NAMES[field]
    return next((reader for suffix, reader in _SUFFIXES.items() if field.endswith(suffix)),
                number_text)
