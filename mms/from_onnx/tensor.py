"""One value of an ONNX graph, as far as it is known before the model runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Union

import numpy as np

from mms.from_onnx.numpy_types import Array, DType

# A length: a number, or the name of one that only a request tells.
Dim = Union[int, str]
Shape = tuple[Dim, ...]

# What a tensor's elements are -> what MXNet keeps them as. Its operators know no truth values, and
# few of them know float16 on a CPU.
PHYSICAL = {
    'float32': 'float32', 'float64': 'float64', 'float16': 'float32', 'int8': 'int8',
    'uint8': 'uint8', 'int32': 'int32', 'int64': 'int64', 'bool': 'float32',
}


@dataclass
class Tensor:
    """A value of the graph.

    Attributes
    ----------
    dtype
        Of the elements, as ONNX says; None if it is not known.
    shape
        None if not even the rank is known.
    value
        Of a constant.
    dims
        Of a short list of whole numbers that were computed from shapes, where some
        follow from the request.
    symbol
        What computes it; None for a constant that nothing computed needs.
    """

    name: str
    dtype: Optional[DType] = None
    shape: Optional[Shape] = None
    value: Optional[Array] = None
    dims: Optional[Shape] = None
    symbol: Any = None


def constant(name: str, value: Any) -> Tensor:
    """A tensor whose value is known."""
    array = np.asarray(value)
    return Tensor(name, array.dtype, tuple(array.shape), value=array)


def list_of(tensor: Tensor) -> Optional[Shape]:
    """The numbers in a list of lengths, or None where `tensor` is no such list."""
    if tensor.value is not None and tensor.value.dtype.kind in 'iu' and tensor.value.ndim <= 1:
        return tuple(int(number) for number in tensor.value.reshape(-1))
    return tensor.dims
