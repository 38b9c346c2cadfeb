"""Tensors as JSON has them: numbers and texts in lists, nested as the shape is, or in one row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
import orjson

from mms.mxnet_engine.texts_in_lists import hold_texts
from mms.worker.codecs.inference_v2.tensor import BF16, BOOL, BYTES, NUMBERS, narrowed, widened
from mms.worker.codecs.inference_v2.wrong import shown, wrong
from mms.worker.codecs.json_answer import to_json

# From here on a whole number may have lost a digit.
_EXACT_IN_FLOAT64 = 2**53


def from_json(name: str, datatype: str, shape: Sequence[int], data: Any) -> Any:
    """The values of a tensor.

    Raises
    ------
    BadRequest
        They are not what its type and its shape say.
    """
    if not isinstance(data, list):
        raise wrong(f"the data of input '{name}' must be a list, not {shown(data)}")
    if datatype == BYTES:
        texts = list(_texts(name, data))
        _check_count(name, shape, len(texts))
        return texts
    array = _array(name, datatype, data)
    _check_count(name, shape, array.size)
    return _as(name, datatype, array, data).reshape(shape)


def to_json_text(datatype: str, values: Any) -> bytes:
    """JSON of a tensor in one row; NaN as ``NaN``, as :func:`to_json` writes it.

    Raises
    ------
    TypeError
        Bytes are no text.
    """
    if datatype == BYTES:
        return to_json(list(values))
    if datatype == BF16:
        values = widened(narrowed(values))
    row = np.ascontiguousarray(values, np.float32 if datatype == BF16 else NUMBERS[datatype])
    row = row.reshape(-1)
    if row.dtype.kind != 'f' or np.isfinite(row).all():
        return orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY)
    return to_json(row.tolist())


def _texts(name: str, data: list[Any]) -> Iterator[str]:
    for item in data:
        if isinstance(item, list):
            yield from _texts(name, item)
        elif isinstance(item, str):
            yield item
        else:
            raise wrong(f"input '{name}' is of BYTES, and holds {shown(item)}, which is no text")


def _array(name: str, datatype: str, data: list[Any]) -> Any:
    if hold_texts(data):
        raise _no_numbers(name, datatype)
    try:
        array = np.array(data)
        if array.dtype.kind == 'f' and NUMBERS[datatype].kind in 'iu' and datatype != BF16 \
                and not np.all(np.abs(array) < _EXACT_IN_FLOAT64):
            # One number that is too large for int64, or one with a point, made floats of them all.
            array = np.array(data, dtype=object)
    except (ValueError, OverflowError):
        raise _no_numbers(name, datatype) from None
    if array.dtype.kind == 'O' and not all(type(item) in (int, float, bool)
                                           for item in array.ravel().tolist()):
        raise _no_numbers(name, datatype)
    if array.size and array.dtype.kind not in 'biufO':
        raise _no_numbers(name, datatype)
    return array


def _no_numbers(name: str, datatype: str) -> Exception:
    return wrong(f"the data of input '{name}' must be numbers of {datatype} in lists, each row of "
                 'the same length')


def _check_count(name: str, shape: Sequence[int], count: int) -> None:
    if count != prod(shape):
        raise wrong(f"the data of input '{name}' has {count} elements; the shape {list(shape)} "
                    f'has {prod(shape)}')


def _as(name: str, datatype: str, array: Any, data: list[Any]) -> Any:
    """The numbers as the type has them, where it has them."""
    kind = NUMBERS[datatype]
    if not array.size:
        return array.astype(np.float32 if datatype == BF16 else kind)
    if datatype == BF16 or kind.kind == 'f':
        return _floats(name, datatype, array)
    least, most = (0, 1) if datatype == BOOL else (np.iinfo(kind).min, np.iinfo(kind).max)
    with np.errstate(invalid='ignore'):
        good = (array >= least) & (array <= most) & (array % 1 == 0) \
            if array.dtype.kind != 'b' else True
    if not np.all(good):
        domain = 'true and false' if datatype == BOOL else f'whole numbers from {least} to {most}'
        raise wrong(f"input '{name}' of {datatype} must hold {domain}")
    return array.astype(kind)


def _floats(name: str, datatype: str, array: Any) -> Any:
    try:
        exact = array.astype(np.float64)
    except OverflowError:
        raise _beyond(name, datatype) from None
    with np.errstate(over='ignore', invalid='ignore'):
        values = widened(narrowed(exact.astype(np.float32))) if datatype == BF16 \
            else exact.astype(NUMBERS[datatype])
    if np.isinf(values).any() and not np.array_equal(np.isinf(values), np.isinf(exact)):
        raise _beyond(name, datatype)
    return values


def _beyond(name: str, datatype: str) -> Exception:
    return wrong(f"input '{name}' holds a number that is beyond {datatype}")
