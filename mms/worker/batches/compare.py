"""Are two answers of a service the same answer?

Numbers are when they differ by no more than 1e-4 of the largest in their array;
everything else is when it is equal.
"""

from __future__ import annotations

import json
import numbers
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from mms.mxnet_engine.arrays import is_ndarray

# What a client may rely on; sums in another order differ by about 1e-7.
TOLERANCE = 1e-4

_WORD_NUMBER = re.compile(r'\b(nan|inf)\b')
_WORDS = {'nan': 'NaN', 'inf': 'Infinity'}


# What most reasons end with.
TOGETHER = ' when run together'


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
    """Compare two values: arrays, numbers, anything, or lists, tuples and dicts of such.

    Raises
    ------
    Differs
        They are not the same, or not of the same types, or NDArrays of two contexts.
    """
    if type(alone) is not type(together):
        raise Differs(f'its output is of another type{TOGETHER}')
    if isinstance(alone, (list, tuple, dict)):
        _compare_parts(alone, together)
    elif is_ndarray(alone):
        if alone.context != together.context:
            raise Differs(f'its output is on another device{TOGETHER}')
        _compare_arrays(alone.asnumpy(), together.asnumpy())
    elif isinstance(alone, (np.ndarray, np.generic, numbers.Number)):
        _compare_arrays(np.asarray(alone), np.asarray(together))
    elif alone != together:
        raise Differs(f'its output differs{TOGETHER}')


def same(one: Any, other: Any) -> bool:
    """Whether :func:`compare_outputs` finds no difference."""
    try:
        compare_outputs(one, other)
    except Differs:
        return False
    return True


def all_equal(values: Sequence[Any]) -> bool:
    """Whether several values hold the same."""
    return all(same(values[0], value) for value in values[1:])


def compare_predictions(alone: bytes, together: bytes) -> None:
    """Compare two predictions, as JSON text.

    The numbers that are the same thing of different items, such as every
    ``probability`` of a list, are one array. A text that is numbers, as services
    of 2018 answer with, is compared as numbers.

    Raises
    ------
    Differs
    """
    columns: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    _walk(json.loads(alone), json.loads(together), (), columns)
    for pairs in columns.values():
        _compare_numbers(*(np.array(side, dtype=np.float64) for side in zip(*pairs)))


def _walk(one: Any, other: Any, path: tuple[str, ...],
          columns: dict[tuple[str, ...], list[tuple[float, float]]]) -> None:
    one, other = _read(one), _read(other)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for item, item_of_other in zip(one, other):
            _walk(item, item_of_other, (*path, '[]'), columns)
    elif isinstance(one, dict) and isinstance(other, dict) and set(one) == set(other):
        for key in one:
            _walk(one[key], other[key], (*path, key), columns)
    elif _is_number(one) and _is_number(other) and float in (type(one), type(other)):
        columns.setdefault(path, []).append((one, other))
    elif type(one) is not type(other) or one != other:
        raise Differs(f'its predictions differ{TOGETHER}')


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


def _compare_parts(one: Any, other: Any) -> None:
    if len(one) != len(other) or (isinstance(one, dict) and one.keys() != other.keys()):
        raise Differs(f'its output has other parts{TOGETHER}')
    for key in one if isinstance(one, dict) else range(len(one)):
        compare_outputs(one[key], other[key])


def _compare_arrays(one: Any, other: Any) -> None:
    if one.shape != other.shape:
        raise Differs(f'its output has the shape {other.shape} when run together, {one.shape} '
                      'alone')
    if one.dtype != other.dtype:
        raise Differs(f'its output is {other.dtype} when run together, {one.dtype} alone')
    if one.dtype.kind not in 'fc':
        if not np.array_equal(one, other):
            raise Differs(f'its output differs{TOGETHER}')
        return
    wide = np.complex128 if one.dtype.kind == 'c' else np.float64
    _compare_numbers(one.astype(wide), other.astype(wide))


def _compare_numbers(one: Any, other: Any) -> None:
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    finite = np.isfinite(one) & np.isfinite(other)
    if not np.all(same | finite):
        raise Differs(f'its numbers are not finite in the same places{TOGETHER}')
    if np.all(same):
        return
    apart = np.abs(one[finite] - other[finite]).max()
    largest = max(np.abs(one[finite]).max(), np.abs(other[finite]).max())
    if apart > TOLERANCE * largest:
        raise Differs(f'its numbers differ by {apart:.2g}{TOGETHER}')

