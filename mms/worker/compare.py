"""Are two answers of a service the same answer?

Numbers are when they differ by no more than 1e-4 of the largest in their array;
everything else is when it is equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from mms.model_service.arrays import is_ndarray

# What a client may rely on; sums in another order differ by about 1e-7.
TOLERANCE = 1e-4

_WORD_NUMBER = re.compile(r'\b(nan|inf)\b')
_WORDS = {'nan': 'NaN', 'inf': 'Infinity'}


class Differs(Exception):
    """The reason in one clause for a log line."""


def frozen(value: Any) -> Any:
    """A copy of `value` that no later computation changes: its arrays as NumPy's.

    Lists, tuples and dicts may hold arrays at any depth.
    """
    if is_ndarray(value):
        return value.asnumpy()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [frozen(item) for item in value]
    return value


def compare_outputs(alone: Any, together: Any) -> None:
    """Compare two values that `frozen` made.

    Raises
    ------
    Differs
    """
    if isinstance(alone, np.ndarray) and isinstance(together, np.ndarray):
        _compare_arrays(alone, together)
    elif type(alone) is not type(together):
        raise Differs('its output is of another type when run together')
    elif isinstance(alone, (list, dict)):
        if len(alone) != len(together) or (isinstance(alone, dict) and set(alone) != set(together)):
            raise Differs('its output has other parts when run together')
        for key in alone if isinstance(alone, dict) else range(len(alone)):
            compare_outputs(alone[key], together[key])
    elif alone != together:
        raise Differs('its output differs when run together')


def compare_predictions(alone: bytes, together: bytes) -> None:
    """Compare two predictions, as JSON text.

    The numbers that are the same thing of different items, such as every
    ``probability`` of a list, are one array. A text that is numbers, as services
    of 2018 answer with, is compared as numbers.

    Raises
    ------
    Differs
    """
    numbers: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    _walk(json.loads(alone), json.loads(together), (), numbers)
    for pairs in numbers.values():
        _compare_numbers(*(np.array(side, dtype=np.float64) for side in zip(*pairs)))


def _walk(one: Any, other: Any, path: tuple[str, ...],
          numbers: dict[tuple[str, ...], list[tuple[float, float]]]) -> None:
    one, other = _read(one), _read(other)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for item, item_of_other in zip(one, other):
            _walk(item, item_of_other, (*path, '[]'), numbers)
    elif isinstance(one, dict) and isinstance(other, dict) and set(one) == set(other):
        for key in one:
            _walk(one[key], other[key], (*path, key), numbers)
    elif _is_number(one) and _is_number(other) and float in (type(one), type(other)):
        numbers.setdefault(path, []).append((one, other))
    elif type(one) is not type(other) or one != other:
        raise Differs('its predictions differ when run together')


def _read(value: Any) -> Any:
    """A text that is JSON, or Python's text of numbers, as what it says."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(_WORD_NUMBER.sub(lambda match: _WORDS[match[0]], value))
    except (ValueError, RecursionError):
        return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _compare_arrays(one: Any, other: Any) -> None:
    if one.shape != other.shape:
        raise Differs(f'its output has the shape {other.shape} when run together, {one.shape} '
                      'alone')
    if one.dtype != other.dtype:
        raise Differs(f'its output is {other.dtype} when run together, {one.dtype} alone')
    if one.dtype.kind not in 'fc':
        if not np.array_equal(one, other):
            raise Differs('its output differs when run together')
        return
    wide = np.complex128 if one.dtype.kind == 'c' else np.float64
    _compare_numbers(one.astype(wide), other.astype(wide))


def _compare_numbers(one: Any, other: Any) -> None:
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    finite = np.isfinite(one) & np.isfinite(other)
    if not np.all(same | finite):
        raise Differs('its numbers are not finite in the same places when run together')
    if np.all(same):
        return
    apart = np.abs(one[finite] - other[finite]).max()
    largest = max(np.abs(one[finite]).max(), np.abs(other[finite]).max())
    if apart > TOLERANCE * largest:
        raise Differs(f'its numbers differ by {apart:.2g} when run together')


def all_equal(values: Sequence[Any]) -> bool:
    """Whether several values that `frozen` made hold the same."""
    try:
        for value in values[1:]:
            compare_outputs(values[0], value)
    except Differs:
        return False
    return True
