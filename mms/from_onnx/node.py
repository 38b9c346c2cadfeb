"""One node of an ONNX graph, as its translator sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Optional

import numpy as np
import onnx

from mms.errors import ExportError
from mms.from_onnx.numpy_types import Array, DType
from mms.from_onnx.tensor import PHYSICAL, Dim, Shape, Tensor, list_of

if TYPE_CHECKING:
    from mms.from_onnx.parameters import Parameters


class Node:
    """Attributes and inputs of a node; whatever is not exact is refused.

    Parameters
    ----------
    proto
        The node.
    opset
        Version of the operators of its graph.
    inputs
        One an input; None for an optional one that is left out.
    outputs
        What is known of its outputs; None for one that is left out. Filled later.
    unread
        Names of outputs that nobody reads. Filled later.
    parameters
        Where constants become parameters.
    file
        Name of the model's file, for messages.
    lengths_of_requests
        Name of a length -> an input of the graph that has it, and its axis there.
    """

    def __init__(self, proto: onnx.NodeProto, opset: int, inputs: Sequence[Optional[Tensor]],
                 parameters: Parameters, file: str,
                 lengths_of_requests: Mapping[Dim, tuple[Any, int]]) -> None:
        self.proto, self.opset, self.inputs, self.file = proto, opset, list(inputs), file
        self.op: str = proto.op_type
        self.outputs: list[Optional[Tensor]] = []
        self.unread: set[str] = set()
        self.parameters, self.lengths_of_requests = parameters, lengths_of_requests
        self._attributes = {attribute.name: attribute for attribute in proto.attribute}
        self._read: set[str] = set()

    @property
    def label(self) -> str:
        """Its name, or that of its first output."""
        name: str = self.proto.name
        return name or next((name for name in self.proto.output if name), self.op)

    def refuse(self, reason: str) -> NoReturn:
        """Raise the error that says why this node has no exact counterpart in MXNet."""
        raise ExportError(f'{self.file}: the operator {self._full_name()} (node {self.label!r}, '
                          f'opset {self.opset}) cannot be converted: {reason}')

    def _full_name(self) -> str:
        return f'{self.proto.domain}.{self.op}' if self.proto.domain else self.op

    def attr(self, name: str, default: Any = None) -> Any:
        """An attribute's value: numbers, lists of numbers, text or an array."""
        self._read.add(name)
        if name not in self._attributes:
            return default
        return _plain(onnx.helper.get_attribute_value(self._attributes[name]))

    def needed(self, name: str) -> Any:
        """An attribute's value, which must be there."""
        if not self.has_attr(name):
            self.refuse(f'its attribute {name} is missing')
        return self.attr(name)

    def has_attr(self, name: str) -> bool:
        """Whether the node gives the attribute."""
        return name in self._attributes

    def only(self, name: str, *allowed: Any) -> Any:
        """The attribute's value if it is among `allowed`, whose first is the default."""
        value = self.attr(name, allowed[0])
        if value not in allowed:
            self.refuse(f'{name} is {value!r}, and only '
                        f"{' or '.join(map(repr, allowed))} can be had")
        return value

    def ignore(self, *names: str) -> None:
        """Say that attributes are of no matter to what a trained model computes."""
        self._read.update(names)

    def check_all_read(self) -> None:
        """Refuse an attribute that the translator does not know."""
        unknown = sorted(set(self._attributes) - self._read)
        if unknown:
            self.refuse(f'its attribute {unknown[0]} is not known')

    def given(self, index: int) -> bool:
        """Whether the input is there."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def wants(self, index: int) -> bool:
        """Whether the output is used."""
        if index >= len(self.proto.output) or not self.proto.output[index]:
            return False
        return self.proto.output[index] not in self.unread

    def only_outputs(self, count: int) -> None:
        """Refuse more outputs than `count`."""
        for index in range(count, len(self.proto.output)):
            if self.wants(index):
                self.refuse(f'its output number {index + 1} ({self.proto.output[index]!r}) '
                            'is not computed here')

    def tensor(self, index: int) -> Tensor:
        """An input that must be there."""
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            self.refuse(f'its input number {index + 1} is missing')
        return tensor

    def value(self, index: int) -> Optional[Array]:
        """An input's value if it is a constant, else None."""
        return self.tensor(index).value

    def constant(self, index: int, what: str) -> Array:
        """An input that must be a constant."""
        value = self.tensor(index).value
        if value is None:
            self.refuse(f'its {what} is computed while the model runs')
        return value

    def numbers(self, index: int, what: str) -> tuple[int, ...]:
        """An input that must be a constant list of whole numbers."""
        return tuple(int(number) for number in self.constant(index, what).reshape(-1))

    def lengths(self, index: int, what: str) -> Shape:
        """An input that must be a list of numbers and lengths of the request."""
        numbers = list_of(self.tensor(index))
        if numbers is None:
            self.refuse(f'its {what} is computed while the model runs')
        return numbers

    def shape(self, index: int) -> Shape:
        """An input's shape; the rank must be known."""
        shape = self.tensor(index).shape
        if shape is None:
            self.refuse(f'the rank of {self.tensor(index).name!r} is not known')
        return shape

    def rank(self, index: int) -> int:
        """How many dimensions an input has."""
        return len(self.shape(index))

    def length(self, index: int, axis: int, what: str = 'it') -> int:
        """An input's length along an axis, which must be known."""
        length = self.shape(index)[axis]
        if isinstance(length, str):
            self.refuse(f'{what} depends on the length of dimension {axis} of '
                        f'{self.tensor(index).name!r}, which only a request tells')
        return length

    def input_of_length(self, length: Dim) -> tuple[Any, int]:
        """Symbol of an input of the graph that is as long, and the dimension in which it is."""
        found = self.lengths_of_requests.get(length)
        if found is None:
            self.refuse(f'it needs the length {length}, which is not that of an input')
        return found

    def axis(self, axis: int, rank: int) -> int:
        """`axis`, counted from the front."""
        if not -rank <= axis < max(rank, 1):
            self.refuse(f'axis {axis} does not exist in {rank} dimensions')
        return axis % rank if rank else 0

    def dtype(self, index: int) -> DType:
        """Element type of an input, which must be one that MXNet has."""
        dtype = self.tensor(index).dtype
        if dtype is None:
            self.refuse(f'the element type of {self.tensor(index).name!r} is not known')
        if dtype.name not in PHYSICAL:
            self.refuse(f'{self.tensor(index).name!r} is of {dtype.name}, which MXNet does not '
                        'have')
        return dtype

    def is_float(self, index: int) -> bool:
        """Whether an input's elements are floating-point numbers."""
        return self.dtype(index).kind == 'f'

    def sym(self, index: int) -> Any:
        """An input's symbol; a constant becomes a parameter."""
        tensor = self.tensor(index)
        if tensor.symbol is None:
            if tensor.value is None:
                self.refuse(f'{tensor.name!r} is made of lengths that only a request tells')
            self.dtype(index)
            if tensor.value.size == 0:
                self.refuse(f'{tensor.name!r} has no elements, which MXNet does not know')
            tensor.symbol = self.parameters.add(tensor.name, tensor.value)
        return tensor.symbol

    def param(self, suffix: str, value: Any) -> Any:
        """A new parameter of this node's own."""
        return self.parameters.add(f'{self.label}_{suffix}', np.asarray(value))

    def physical(self, index: int) -> str:
        """What MXNet keeps an input's elements as."""
        return PHYSICAL[self.dtype(index).name]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode('utf-8', 'replace')
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    if isinstance(value, (str, int, float, onnx.GraphProto, onnx.SparseTensorProto)):
        return value
    return [_plain(item) for item in value]
