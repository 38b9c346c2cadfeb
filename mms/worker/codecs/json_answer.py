"""A prediction as JSON text, the way MMS 0.4 wrote it.

Keys sorted, no spaces, NaN as ``NaN``, tuples as lists. Values of other kinds become what
:mod:`mms.worker.codecs.json_values` says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mms.worker.codecs.json_values import PLAIN, json_value

_TOO_DEEP = ('the answer of the service is nested too deeply for JSON: its lists and dicts lie in '
             'each other hundreds of levels deep')


def to_json(prediction: Any) -> bytes:
    """JSON text of what a service's `_postprocess` returned, ASCII.

    Raises
    ------
    TypeError
        It holds what JSON cannot; the message says what and where.
    ValueError
        It holds itself, or is nested too deeply.
    """
    try:
        text = _text(prediction)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    return text.encode('ascii')


def _text(prediction: Any) -> str:
    try:
        return _dumps(prediction, sort_keys=True)
    except TypeError:
        # Keys of several types cannot be sorted, and a key may be of a type that JSON lacks.
        return _dumps(_plain(prediction, 'prediction', ()), sort_keys=False)


def _dumps(value: Any, sort_keys: bool) -> str:
    return json.dumps(value, default=json_value, sort_keys=sort_keys, separators=(',', ':'))


def _plain(value: Any, place: str, around: tuple[int, ...]) -> Any:
    """`value` in JSON's own types, its keys in the order in which they are to be written."""
    if isinstance(value, PLAIN):
        return value
    if id(value) in around:
        raise ValueError(f'{place} holds itself')
    inside = (*around, id(value))
    if isinstance(value, dict):
        keys = {key: _key(key, place) for key in value}
        return {keys[key]: _plain(value[key], f'{place}[{key!r}]', inside)
                for key in sorted(keys, key=lambda key: _rank(keys[key]))}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f'{place}[{number}]', inside) for number, item in enumerate(value)]
    try:
        nearer = json_value(value)
    except TypeError as error:
        raise TypeError(f'{error} (in {place})') from error
    return _plain(nearer, place, inside)


def _key(key: Any, place: str) -> Any:
    """What JSON writes for a key: as for a value, where that is one number or text."""
    for nearer in _nearer(key):
        if isinstance(nearer, PLAIN):
            return nearer
        if isinstance(nearer, (dict, list, tuple)):
            break
    raise TypeError(f'a key of a prediction cannot be a {type(key).__name__}: give text or a '
                    f'number (in {place})')


def _nearer(value: Any) -> Iterator[Any]:
    while True:
        yield value
        value = json_value(value)


def _rank(key: Any) -> tuple[int, float, str]:
    """Python 2's order of keys of several types: None, numbers, text."""
    if key is None:
        return 0, 0, ''
    return (2, 0, key) if isinstance(key, str) else (1, key, '')
