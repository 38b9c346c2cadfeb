"""NDArrays inside whatever a hook returns.

Nothing here imports MXNet: where it is not imported there are no NDArrays.
"""

from __future__ import annotations

import copy
import ctypes
import sys
import types
from collections.abc import Iterator
from typing import Any, Callable

_LAZY = (map, filter, zip, types.GeneratorType)
# A tensor that is written as lists has millions of items, and a list of arrays a few.
_FEW = 8
# No arrays lie deeper: what a service answers with is nested as it likes.
_MAX_DEPTH = 100


def is_ndarray(value: Any) -> bool:
    """Whether `value` is an array of MXNet, ``mx.nd`` or ``mx.np``."""
    mxnet = sys.modules.get('mxnet')
    return mxnet is not None and isinstance(value, mxnet.nd.NDArray)


def materialise(value: Any) -> Any:
    """A ``map`` or generator as a list; anything else as it is."""
    return list(value) if isinstance(value, _LAZY) else value


def move_to(value: Any, ctx: Any) -> Any:
    """`value` with its NDArrays on the context `ctx`.

    `value` is an NDArray, or a list, tuple or dict that holds some, at any
    depth; what has nothing to move is returned as it is, the same object.
    """
    return _replace(value, lambda array: array if array.context == ctx
                    else array.as_in_context(ctx))


def copied(value: Any) -> Any:
    """`value` anew; copies of NDArrays are where these are, those of :mod:`copy` on the CPU."""
    return copy.deepcopy(value, {id(array): array.copy() for array in _arrays(value)})


def holds_bytes(value: Any) -> bool:
    """Whether `value` is bytes, or a list or tuple that begins with some."""
    if isinstance(value, (list, tuple)):
        return bool(value) and isinstance(value[0], bytes)
    return isinstance(value, bytes)


def wait_for(value: Any) -> None:
    """Wait until the NDArrays in `value` are computed; their errors surface here."""
    for array in _arrays(value):
        array.wait_to_read()


def address(array: Any) -> int:
    """Where the numbers of an array of NumPy or MXNet lie."""
    if not is_ndarray(array):
        return int(array.__array_interface__['data'][0])
    base = sys.modules['mxnet'].base
    pointer = ctypes.c_void_p()
    base.check_call(base._LIB.MXNDArrayGetData(array.handle, ctypes.byref(pointer)))
    return pointer.value or 0


def _arrays(value: Any, depth: int = 0) -> Iterator[Any]:
    if is_ndarray(value):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            if _may_hold_arrays(item, depth + 1):
                yield from _arrays(item, depth + 1)


def _replace(value: Any, change: Callable[[Any], Any], depth: int = 0) -> Any:
    if is_ndarray(value):
        return change(value)
    below = depth + 1
    if isinstance(value, dict):
        changed = {key: _replace(item, change, below) for key, item in value.items()
                   if _may_hold_arrays(item, below)}
        moved = {key: item for key, item in changed.items() if item is not value[key]}
        return _updated(value, moved) if moved else value
    if isinstance(value, (list, tuple)):
        items = [_replace(item, change, below) if _may_hold_arrays(item, below) else item
                 for item in value]
        if all(new is old for new, old in zip(items, value)):
            return value
        return _like(value, items)
    return value


def _may_hold_arrays(value: Any, depth: int) -> bool:
    """Long lists are judged by their first item."""
    if depth > _MAX_DEPTH:
        return False
    if isinstance(value, (list, tuple)):
        return any(_may_hold_arrays(item, depth + 1)
                   for item in (value if len(value) <= _FEW else value[:1]))
    return isinstance(value, dict) or is_ndarray(value)


def _updated(value: dict[Any, Any], moved: dict[Any, Any]) -> dict[Any, Any]:
    copied = value.copy()
    copied.update(moved)
    return copied


def _like(value: Any, items: list[Any]) -> Any:
    if isinstance(value, tuple) and hasattr(value, '_make'):
        return value._make(items)
    return tuple(items) if isinstance(value, tuple) else items
