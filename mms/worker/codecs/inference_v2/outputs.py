"""What a service has answered as tensors: one for each output of its signature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

import numpy as np

from mms.mxnet_engine.arrays import is_ndarray
from mms.worker.codecs.inference_v2.tensor import BF16, BYTES, FP32, NAMES, NUMBERS, Tensor
from mms.worker.codecs.inference_v2.wanted import names_of
from mms.worker.codecs.json_answer import to_json

_MOST_DEPTH = 32


def tensors_of(prediction: Any, signature: Mapping[str, Any]) -> list[Tensor]:
    """The tensors of an answer.

    A list of as many items as the model has outputs, or a dict with their names, holds them;
    anything else is the first of them. Numbers and arrays are of their own type, FP32 where they
    are Python's and have a point; other than numbers becomes BYTES, of what is no text its JSON.

    Raises
    ------
    TypeError, ValueError
        It holds what JSON cannot, or numbers that are not of the type that the signature gives.
    """
    entries = list(signature.get('outputs') or ())
    names = names_of(signature)
    values = _by_output(prediction, names, entries)
    return [_tensor(name, value, entry) for name, value, entry in zip(
        names, values, entries or [{}])]


def _by_output(prediction: Any, names: Sequence[str], entries: Sequence[Any]) -> list[Any]:
    if isinstance(prediction, dict) and prediction and set(prediction) <= set(names):
        return [prediction.get(name, []) for name in names]
    if not isinstance(prediction, (list, tuple)) or len(prediction) != len(names):
        return [prediction]
    if len(names) == 1 and not _is_wrapped(prediction[0], entries):
        return [prediction]
    return list(prediction)


def _is_wrapped(item: Any, entries: Sequence[Any]) -> bool:
    """Whether the one item of a list is the only output, and not a part of it."""
    if _is_array(item):
        return True
    depth, declared = _depth(item), len(entries[0]['data_shape']) if entries else 0
    return depth >= 1 and depth + 1 != declared


def _depth(value: Any) -> int:
    if _is_array(value):
        return len(value.shape)
    depth = 0
    while isinstance(value, (list, tuple)) and depth < _MOST_DEPTH:
        depth += 1
        if not value:
            break
        value = value[0]
    return depth


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or is_ndarray(value)


def _tensor(name: str, value: Any, entry: Mapping[str, Any]) -> Tensor:
    datatype: Optional[str] = entry.get('datatype')
    if datatype != BYTES:
        numbers = _numbers(value)
        if numbers is not None:
            return _of_numbers(name, numbers, datatype)
        if datatype is not None:
            raise ValueError(f'output {name!r} holds no numbers, and its signature says {datatype}')
    shape, elements = _elements(value)
    return Tensor(name, BYTES, shape, elements)


def _numbers(value: Any) -> Any:
    """An array of what are numbers; None of anything else."""
    if is_ndarray(value):
        value = value.asnumpy()
    if isinstance(value, (bytes, bytearray, str)) or not _holds_numbers(value):
        return None
    try:
        array = np.array(value) if not isinstance(value, np.ndarray) else value
    except ValueError:
        return None
    if array.dtype.kind not in 'biuf':
        return None
    if not isinstance(value, (np.ndarray, np.generic)) and array.dtype.kind == 'f':
        array = _narrow(array)
    return array if array.shape else array.reshape(1)


def _narrow(array: Any) -> Any:
    """Python's numbers have no size of their own: float32, where none of them is too large."""
    with np.errstate(over='ignore'):
        narrow = array.astype(np.float32)
    return narrow if np.array_equal(np.isinf(narrow), np.isinf(array)) else array


def _holds_numbers(value: Any) -> bool:
    """Whether the first of what lies in a list may be a number: others need not be looked at."""
    for _ in range(_MOST_DEPTH):
        if not isinstance(value, (list, tuple)) or not value:
            break
        value = value[0]
    if is_ndarray(value):
        return False
    if isinstance(value, (list, tuple)):
        # An empty one.
        return True
    return isinstance(value, (bool, int, float, np.ndarray, np.generic))


def _of_numbers(name: str, numbers: Any, datatype: Optional[str]) -> Tensor:
    chosen = datatype or NAMES.get(numbers.dtype.newbyteorder('<')) or FP32
    kind = np.dtype(np.float32) if chosen == BF16 else NUMBERS[chosen]
    with np.errstate(over='ignore', invalid='ignore'):
        return Tensor(name, chosen, numbers.shape, numbers.astype(kind, copy=False))


def _elements(value: Any) -> tuple[list[int], list[Any]]:
    """Shape and elements of BYTES."""
    shape: list[int] = []
    items = [value]
    while items and all(isinstance(item, (list, tuple)) for item in items):
        lengths = {len(item) for item in items}
        if len(lengths) > 1 or len(shape) == _MOST_DEPTH:
            break
        shape.append(lengths.pop())
        items = [each for item in items for each in item]
    return shape or [1], list(_as_elements(items))


def _as_elements(items: Sequence[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, (str, bytes)):
            yield item
        elif isinstance(item, (bytearray, memoryview)):
            yield bytes(item)
        else:
            yield to_json(item)
