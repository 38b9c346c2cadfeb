"""Tensors as they lie in memory: row after row, the smallest byte first."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, Union

import numpy as np

from mms.worker.codecs.inference_v2.list_cost import TEXT, check_cost
from mms.worker.codecs.inference_v2.tensor import BF16, BOOL, BYTES, NUMBERS, narrowed, widened
from mms.worker.codecs.inference_v2.wrong import wrong

_LENGTH = struct.Struct('<I')
_LONGEST = 2**32 - 1


def from_binary(name: str, datatype: str, shape: Sequence[int], data: memoryview) -> Any:
    """The values of a tensor.

    Raises
    ------
    BadRequest
        The bytes are more or fewer than its shape takes.
    """
    if datatype == BYTES:
        # Of what is refused, not even the elements are made.
        check_cost(name, shape, len(data), TEXT)
        return _elements(name, prod(shape), data)
    kind, count = NUMBERS[datatype], prod(shape)
    if len(data) != count * kind.itemsize:
        raise wrong(f"input '{name}' has {len(data)} bytes of data: {datatype} of the shape "
                    f'{list(shape)} has {count * kind.itemsize}')
    if datatype == BOOL:
        return (np.frombuffer(data, np.uint8) != 0).reshape(shape)
    values = np.frombuffer(data, kind).reshape(shape)
    return widened(values) if datatype == BF16 else values


def to_binary(datatype: str, values: Any) -> bytes:
    """The bytes of a tensor."""
    if datatype == BYTES:
        return b''.join(_written(values))
    if datatype == BF16:
        return bytes(narrowed(values).tobytes())
    return bytes(np.asarray(values, NUMBERS[datatype]).tobytes())


def as_bytes(element: Union[bytes, str]) -> bytes:
    """An element of BYTES; text in UTF-8."""
    return element.encode('utf-8', 'surrogatepass') if isinstance(element, str) else element


def _elements(name: str, count: int, data: memoryview) -> list[bytes]:
    found: list[bytes] = []
    start, size, length_at, prefix = 0, len(data), _LENGTH.unpack_from, _LENGTH.size
    while start < size and len(found) < count:
        begin = start + prefix
        start = begin + length_at(data, start)[0] if begin <= size else begin
        if start > size:
            raise wrong(f"input '{name}' ends within an element: each is its length in four bytes, "
                        'the smallest first, and then itself')
        found.append(data[begin:start].tobytes())
    if len(found) != count or start != size:
        raise wrong(f"input '{name}' has not the {count} elements of its shape in its "
                    f'{len(data)} bytes of data')
    return found


def _written(values: Sequence[Union[bytes, str]]) -> Iterator[bytes]:
    for value in values:
        element = as_bytes(value)
        if len(element) > _LONGEST:
            raise ValueError('an element of BYTES has 4 GB or more')
        yield _LENGTH.pack(len(element))
        yield element
