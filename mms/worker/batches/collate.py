"""Arrays of several requests as one batch, and back.

Nothing here imports MXNet: where it is not imported there are no NDArrays.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterator, Sequence
from itertools import accumulate
from math import prod
from typing import Any, Callable, NamedTuple, NoReturn

import numpy as np

from mms.mxnet_engine.arrays import is_ndarray

# A list of arrays is one level deep, a list of such lists two.
_MAX_DEPTH = 2

# Up to 8 rows every size is in use; then the steps are a power of two, such that padding
# costs at most a fourth. Beyond 64 the size doubles.
_EVERY_SIZE_TO = 8
_STEPS_TO = 64


class NotJoinable(Exception):
    """Values cannot be one batch; the message is one clause for a log line."""


class Layout(NamedTuple):
    """What two values must have in common to be joined.

    Attributes
    ----------
    structure
        The containers, and the names of the arrays in them.
    types
        Kind, dtype and device of each array.
    shapes
        The shape of each array but for axis 0.
    """

    structure: Hashable
    types: tuple[Hashable, ...]
    shapes: tuple[tuple[int, ...], ...]


class Flat(NamedTuple):
    """A value that can be joined, looked at once: what MXNet says of an array is a call into it.

    Attributes
    ----------
    value
        As a hook returned it.
    arrays
        Those in it, in order.
    layout
        What it must have in common with another.
    rows
        Its length on axis 0.
    """

    value: Any
    arrays: list[Any]
    layout: Layout
    rows: int

    @property
    def numbers(self) -> int:
        """How many its arrays hold."""
        return self.rows * sum(map(prod, self.layout.shapes))


class Joined(NamedTuple):
    """Several values as one.

    Attributes
    ----------
    value
        Of the same structure as each; ``padded_rows(rows)`` rows long.
    rows
        The rows of each value, in order.
    """

    value: Any
    rows: list[int]


def padded_rows(rows: Sequence[int]) -> int:
    """The batch size that is used for requests of so many rows.

    That is 1 to 8, then every second up to 16, every fourth up to 32, every
    eighth up to 64, and the powers of two from there: a Module is bound, and a
    primitive of oneDNN made, once for each.
    """
    total = sum(rows)
    if total <= _EVERY_SIZE_TO:
        return total
    power = 1 << (total - 1).bit_length()
    if power > _STEPS_TO:
        return power
    step = power // 8
    return -(-total // step) * step


def flat(value: Any) -> Flat:
    """`value`, and what it must have in common with another.

    Raises
    ------
    NotJoinable
        It is no array, list, tuple or dict of arrays, or its arrays have no rows,
        or not the same number of them.
    """
    arrays = list(_arrays(value, 'its _preprocess returns'))
    shapes = [array.shape for array in arrays]
    return Flat(value, arrays,
                Layout(_structure(value), tuple(map(_type, arrays)),
                       tuple(tuple(shape[1:]) for shape in shapes)),
                _rows_of(shapes))


def layout_of(value: Any) -> Layout:
    """What `value` must have in common with another.

    Raises
    ------
    NotJoinable
    """
    return flat(value).layout


def join(values: Sequence[Any]) -> Joined:
    """One value for ``_inference``, its arrays joined on axis 0.

    Parameters
    ----------
    values
        What ``_preprocess`` returned for several requests: an array (NDArray of
        ``mx.nd`` or ``mx.np``, or of NumPy), or a list, tuple or dict of arrays, or
        of such.

    Returns
    -------
    Joined
        New arrays, padded with copies of the last row up to `padded_rows`.

    Raises
    ------
    NotJoinable
    """
    return join_flat(list(map(flat, values)))


def join_flat(values: Sequence[Flat]) -> Joined:
    """The same, of values that were looked at already.

    Raises
    ------
    NotJoinable
    """
    first = values[0]
    for other in values[1:]:
        if other.layout != first.layout:
            _tell_difference(first.layout, other.layout)
    rows = [value.rows for value in values]
    padding = padded_rows(rows) - sum(rows)
    joined = iter([_concatenated(column, padding)
                   for column in zip(*(value.arrays for value in values))])
    return Joined(map_arrays(first.value, lambda array: next(joined)), rows)


def split(output: Any, rows: Sequence[int]) -> list[Any]:
    """What ``_inference`` returned for a joined value, taken apart again.

    Parameters
    ----------
    rows
        The rows of each request; the padding behind them is dropped.

    Returns
    -------
    list
        One a request, of the structure of `output`. The arrays are views.

    Raises
    ------
    NotJoinable
        An array has not as many rows as went in, or there is no array.
    """
    total = padded_rows(rows)
    for array in _arrays(output, 'its output does not follow the batch axis: it is'):
        shape = array.shape
        if shape[:1] != (total,):
            raise NotJoinable(f'its output does not follow the batch axis: shape '
                              f'{tuple(shape)} for {total} rows')
    return [_cut(output, end - count, end) for end, count in zip(accumulate(rows), rows)]


def arrays_in(value: Any) -> list[Any]:
    """The arrays of a value that can be joined.

    Raises
    ------
    NotJoinable
    """
    return list(_arrays(value, 'there is'))


def map_arrays(value: Any, change: Callable[[Any], Any]) -> Any:
    """`value`, which can be joined, anew, with ``change(array)`` in place of each of its arrays."""
    if isinstance(value, dict):
        rebuilt = value.copy()
        rebuilt.update({key: map_arrays(item, change) for key, item in value.items()})
        return rebuilt
    if not isinstance(value, (list, tuple)):
        return change(value)
    items = [map_arrays(item, change) for item in value]
    if isinstance(value, tuple) and hasattr(value, '_make'):
        return value._make(items)
    return tuple(items) if isinstance(value, tuple) else items


def _arrays(value: Any, problem: str, depth: int = 0) -> Iterator[Any]:
    if _is_array(value):
        yield value
    elif _is_container(value) and value and depth < _MAX_DEPTH:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _arrays(item, problem, depth + 1)
    else:
        raise NotJoinable(f'{problem} {_named(value, depth)}')


def _named(value: Any, depth: int) -> str:
    kind = type(value).__name__
    if _is_container(value) and not value:
        kind = f'an empty {kind}'
    if isinstance(value, np.ndarray):
        kind = f'an array of {value.dtype}'
    return f'{kind} among others' if depth else kind


def _is_container(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict))


def _is_array(value: Any) -> bool:
    """Sparse arrays have no rows to cut, and MXNet joins no arrays of bool."""
    if is_ndarray(value):
        return value.stype == 'default' and value.dtype not in (None, np.bool_)
    return type(value) is np.ndarray and value.dtype.kind in 'biufc'


def _rows_of(shapes: Sequence[tuple[int, ...]]) -> int:
    if not all(shapes):
        raise NotJoinable('one of its inputs is a single number')
    rows = {shape[0] for shape in shapes}
    if len(rows) > 1:
        raise NotJoinable('its inputs have different numbers of rows')
    if any(0 in shape for shape in shapes):
        raise NotJoinable('one of its inputs is empty')
    return int(rows.pop())


def _structure(value: Any) -> Hashable:
    """Of a value whose arrays were found to be such."""
    if isinstance(value, dict):
        return type(value), tuple((key, _structure(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return type(value), tuple(map(_structure, value))
    return 'array'


def _type(array: Any) -> Hashable:
    return type(array), np.dtype(array.dtype), str(getattr(array, 'context', ''))


def _tell_difference(one: Layout, other: Layout) -> NoReturn:
    if one.structure != other.structure:
        raise NotJoinable('the structure of its inputs differs')
    if one.types != other.types:
        raise NotJoinable('the types of its inputs differ')
    raise NotJoinable('the shapes of its inputs differ')


def _concatenated(arrays: Sequence[Any], padding: int) -> Any:
    parts = [*arrays, *[arrays[-1][-1:]] * padding]
    if not is_ndarray(arrays[0]):
        return np.concatenate(parts)
    mxnet = sys.modules['mxnet']
    if isinstance(arrays[0], mxnet.np.ndarray):
        return mxnet.np.concatenate(parts, axis=0)
    return mxnet.nd.concat(*parts, dim=0)


def _cut(output: Any, start: int, end: int) -> Any:
    return map_arrays(output, lambda array: array[start:end])
