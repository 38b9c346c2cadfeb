"""Lists of numbers, as requests hold them, as arrays."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from mms.errors import BadRequest
from mms.mxnet_compat import mxnet as mx
from mms.mxnet_engine.texts_in_lists import hold_texts

# From here on a whole number may have lost a digit.
_EXACT_IN_FLOAT64 = 2**53


def tensor_of(value: Any, name: str, kind: Optional[Any] = None) -> Any:
    """The NDArray of an input.

    NaN and infinity are numbers; null is none, though NumPy makes a NaN of it.

    Parameters
    ----------
    value
        Lists of numbers, or whatever ``mx.nd.array`` takes.
    name
        What the signature calls the input.
    kind
        Type of its numbers; float32 by default.

    Raises
    ------
    BadRequest
        It is no tensor, or holds other numbers than `kind` does.
    """
    try:
        if kind and np.issubdtype(kind, np.integer):
            value = _whole(value, kind, name)
        elif isinstance(value, (list, tuple)):
            value = _without_null(value, kind or np.float32)
        return mx.nd.array(value, dtype=kind)
    except (TypeError, ValueError, OverflowError, mx.base.MXNetError) as error:
        if _holds_null(value):
            raise BadRequest(f'Input {name} is no tensor: null is no number.') from error
        raise BadRequest(f'Input {name} is no tensor: it must be numbers in lists, and every '
                         'row must be of the same length.') from error


def _without_null(value: Any, kind: Any) -> Any:
    array = np.array(value, dtype=kind)
    # The lists are only looked at where there is something to be found.
    may_hold_null = array.dtype.kind == 'b' or np.isnan(array).any()
    if may_hold_null and _holds_null(value):
        raise ValueError('null')
    return array


def _holds_null(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_null, value))
    return value is None


def _whole(value: Any, kind: Any, name: str) -> Any:
    """`value` as an array of whole numbers.

    NumPy before 2 makes any number fit such a type, without a word.
    """
    if isinstance(value, (list, tuple)) and hold_texts(value):
        raise ValueError('no numbers')
    array = np.array(value)
    if array.dtype.kind == 'f' and not np.all(np.abs(array) < _EXACT_IN_FLOAT64):
        # One number that is too large for int64, or one with a point, made floats of them all.
        array = np.array(value, dtype=object)
    if array.dtype.kind not in 'biufO':
        raise ValueError('no numbers')
    least, most = np.iinfo(kind).min, np.iinfo(kind).max
    with np.errstate(invalid='ignore'):
        good = (array >= least) & (array <= most) & (array % 1 == 0)
    if not np.all(good):
        raise BadRequest(f'Input {name} must hold whole numbers from {least} to {most}.')
    return array.astype(kind)
