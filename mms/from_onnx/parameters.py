"""Constants of an ONNX graph as parameters and states of a network of MXNet."""

from __future__ import annotations

from typing import Any

import numpy as np

from mms.from_onnx.numpy_types import Array
from mms.from_onnx.tensor import PHYSICAL
from mms.mxnet_compat import mxnet as mx


class Parameters:
    """The arrays that go into the parameter file; every name is given once."""

    def __init__(self, taken: set[str]) -> None:
        self.args: dict[str, Any] = {}
        self.aux: dict[str, Any] = {}
        self._taken = set(taken)

    def add(self, name: str, value: Array) -> Any:
        """A new argument of the network."""
        return self._add(self.args, name, value)

    def add_state(self, name: str, value: Array) -> Any:
        """A new auxiliary state, such as the mean that a BatchNorm keeps."""
        return self._add(self.aux, name, value)

    def _add(self, kind: dict[str, Any], name: str, value: Array) -> Any:
        name = self._free(name)
        # MXNet has no arrays of rank 0.
        array = np.ascontiguousarray(value.reshape(value.shape or (1,)),
                                     dtype=PHYSICAL[value.dtype.name])
        kind[name] = mx.nd.array(array, dtype=array.dtype)
        return mx.sym.Variable(name, shape=array.shape, dtype=array.dtype)

    def _free(self, name: str) -> str:
        free, number = name, 1
        while free in self._taken:
            free, number = f'{name}_{number}', number + 1
        self._taken.add(free)
        return free
