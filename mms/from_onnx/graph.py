"""Walk through an ONNX graph, from its inputs to its outputs, and translate each node."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np
import onnx

from mms.errors import ExportError
from mms.from_onnx import dims, operators  # noqa: F401  the import fills the table
from mms.from_onnx.fold import constant_of, fold
from mms.from_onnx.inference import Unnamed, dtype_of, infer
from mms.from_onnx.model_file import is_of_onnx
from mms.from_onnx.names import NodeNames
from mms.from_onnx.node import Node
from mms.from_onnx.numpy_types import Array, DType
from mms.from_onnx.parameters import Parameters
from mms.from_onnx.table import OPERATORS
from mms.from_onnx.tensor import PHYSICAL, Dim, Tensor, constant
from mms.mxnet_compat import mxnet as mx

_CONTROL_FLOW = ('If', 'Loop', 'Scan')


class Graph:
    """A graph while it is translated.

    Parameters
    ----------
    proto
        The graph.
    opsets
        Domain -> version of its operators.
    file
        Name of the model's file, for messages.
    """

    def __init__(self, proto: onnx.GraphProto, opsets: Mapping[str, int], file: str) -> None:
        self.proto, self.opsets, self.file = proto, opsets, file
        self.tensors: dict[str, Tensor] = {}
        self.inputs: list[Tensor] = []
        self.parameters = Parameters({value.name for value in proto.input})
        self._lengths: dict[Dim, tuple[Any, int]] = {}
        self._read_somewhere = _read_in(proto)
        self._unnamed, self._names = Unnamed(), NodeNames()

    def translate(self) -> list[Tensor]:
        """Translate what the outputs need; they come back with their symbols."""
        self._add_initializers(self.proto)
        self._add_inputs()
        with self._names:
            self._walk(self.proto, {value.name for value in self.proto.output})
            return [self._output(value.name) for value in self.proto.output]

    def _add_initializers(self, proto: onnx.GraphProto) -> None:
        for tensor in proto.initializer:
            self._add(constant(tensor.name, self._array(tensor)))
        for sparse in proto.sparse_initializer:
            raise ExportError(f'{self.file}: the parameter {sparse.values.name!r} is sparse, '
                              'which is not converted: store it as a dense one')

    def _array(self, tensor: onnx.TensorProto) -> Array:
        try:
            array: Array = onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError) as exc:
            raise ExportError(f'{self.file} is not an ONNX model, or a broken one: the parameter '
                              f'{tensor.name!r} cannot be read') from exc
        return array

    def _add_inputs(self) -> None:
        for value in self.proto.input:
            if value.name not in self.tensors:
                self.inputs.append(self._input(value))
                self._add(self.inputs[-1])

    def _input(self, value: onnx.ValueInfoProto) -> Tensor:
        dtype = dtype_of(value.type)
        if dtype is None or dtype.name not in PHYSICAL:
            raise ExportError(f'{self.file}: the input {value.name!r} is of '
                              f'{dtype.name if dtype else _kind(value)}, which MXNet does not have')
        tensor = Tensor(value.name, dtype, self._unnamed.shape(value.type))
        if tensor.shape is None:
            raise ExportError(f'{self.file}: the input {value.name!r} does not say how many '
                              'dimensions it has')
        if 0 in tensor.shape:
            raise ExportError(f'{self.file}: the input {value.name!r} has no elements, which '
                              'MXNet does not know')
        symbol = mx.sym.Variable(value.name)
        # A server hands in float32, whatever the model was trained on.
        tensor.symbol = symbol if dtype == np.float32 else self._as_declared(symbol, dtype)
        for axis, dim in enumerate(tensor.shape):
            if isinstance(dim, str):
                self._lengths.setdefault(dim, (symbol, axis))
        return tensor

    def _as_declared(self, symbol: Any, dtype: DType) -> Any:
        with self._names:
            self._names.label = symbol.name
            return mx.sym.cast(symbol, dtype=PHYSICAL[dtype.name])

    def _add(self, tensor: Tensor) -> None:
        self.tensors[tensor.name] = tensor

    def _walk(self, proto: onnx.GraphProto, wanted: set[str]) -> None:
        needed = _needed(proto, wanted)
        for index, node in enumerate(proto.node):
            if index in needed:
                self._node(node)

    def _node(self, proto: onnx.NodeProto) -> None:
        node = self._reader(proto, [self._read(name) for name in proto.input])
        node.unread = set(proto.output) - self._read_somewhere
        try:
            self._made(node)
        except (ExportError, MemoryError):
            raise
        except Exception as exc:  # whatever NumPy, onnx and MXNet raise at a broken node
            node.refuse(f'it is not as its operator wants it ({_said(exc)})')

    def _made(self, node: Node) -> None:
        proto = node.proto
        if proto.op_type == 'If' and is_of_onnx(proto):
            self._branch(node)
            return
        found = self._known(node)
        if found is None:
            node.outputs = infer(proto, node.opset, node.inputs, self._unnamed)
            found = self._followed(node) or self._translated(node)
        for tensor in found:
            if tensor is not None:
                self._add(tensor)

    def _reader(self, proto: onnx.NodeProto, inputs: Sequence[Optional[Tensor]]) -> Node:
        opset = self.opsets.get(proto.domain, 1)
        return Node(proto, opset, inputs, self.parameters, self.file, self._lengths)

    def _read(self, name: str) -> Optional[Tensor]:
        if not name:
            return None
        if name not in self.tensors:
            raise ExportError(f'{self.file} is not an ONNX model, or a broken one: nothing makes '
                              f'{name!r}, which a node reads')
        return self.tensors[name]

    def _known(self, node: Node) -> Optional[list[Optional[Tensor]]]:
        """The outputs, if they do not depend on the graph's inputs."""
        if not is_of_onnx(node.proto):
            return None
        if node.op == 'Constant' and len(node.proto.attribute) == 1:
            value = constant_of(node.proto)
            return None if value is None else [constant(node.proto.output[0], value)]
        if node.op in ('Shape', 'Size'):
            return _size_of_known(node)
        tensors = [tensor for tensor in node.inputs if tensor is not None]
        if any(tensor.value is None for tensor in tensors):
            return None
        values = fold(node.proto, node.opset,
                      [tensor.value if tensor else None for tensor in node.inputs])
        if values is None:
            return None
        names = [name for name in node.proto.output if name]
        return [constant(name, value) for name, value in zip(names, values)]

    def _followed(self, node: Node) -> Optional[list[Optional[Tensor]]]:
        if not is_of_onnx(node.proto) or node.outputs[0] is None:
            return None
        made = node.outputs[0]
        made.dims = dims.follow(node)
        if made.dims is None:
            return None
        if all(isinstance(number, int) for number in made.dims):
            shape = () if made.shape == () else (len(made.dims),)
            return [constant(made.name, np.array(made.dims, made.dtype).reshape(shape))]
        return [made]

    def _translated(self, node: Node) -> list[Optional[Tensor]]:
        self._names.label = node.label
        row = OPERATORS.get(node.op) if is_of_onnx(node.proto) else None
        if node.op in _CONTROL_FLOW:
            node.refuse('loops have no counterpart in a network of MXNet')
        if row is None:
            node.refuse('MXNet has nothing that does the same, or nobody has mapped it yet; '
                        'docs/onnx.md lists what converts')
        if node.given(0) and node.dtype(0).name not in row.types:
            node.refuse(f'its input {node.tensor(0).name!r} is of {node.dtype(0).name}')
        try:
            symbols = row.translate(node)
        except mx.base.MXNetError as exc:
            node.refuse(f'MXNet says: {str(exc).splitlines()[-1]}')
        node.check_all_read()
        symbols = symbols if isinstance(symbols, list) else [symbols]
        node.only_outputs(len(symbols))
        for tensor, symbol in zip(node.outputs, symbols):
            if tensor is not None:
                tensor.symbol = symbol
                self._complete(tensor, node)
        return node.outputs[:len(symbols)]

    def _complete(self, tensor: Tensor, node: Node) -> None:
        """Where ONNX's rules say nothing, the first input's type and MXNet's shape hold."""
        if tensor.dtype is None:
            if not node.is_float(0):
                node.refuse(f'the element type of {tensor.name!r} is not known')
            tensor.dtype = node.dtype(0)
        if tensor.shape is None:
            tensor.shape = self._shape_by_mxnet(tensor.symbol)

    def _shape_by_mxnet(self, symbol: Any) -> Optional[tuple[Any, ...]]:
        known = {entry.name: tuple(dim if isinstance(dim, int) else 0 for dim in entry.shape)
                 for entry in self.inputs if entry.shape is not None}
        arguments = set(symbol.list_arguments())
        try:
            _, outputs, _ = symbol.infer_shape_partial(
                **{name: shape for name, shape in known.items() if name in arguments})
        except mx.base.MXNetError:  # it stumbles over lengths that are not known yet
            return None
        if not outputs or not outputs[0]:
            return None
        return tuple(dim if dim > 0 else self._unnamed.new() for dim in outputs[0])

    def _branch(self, node: Node) -> None:
        condition = node.constant(0, 'condition')
        chosen = node.attr('then_branch' if condition.reshape(-1)[0] else 'else_branch')
        self._add_initializers(chosen)
        self._walk(chosen, {value.name for value in chosen.output})
        for name, value in zip(node.proto.output, chosen.output):
            if name:
                tensor = self._read(value.name)
                assert tensor is not None
                self._add(dataclasses.replace(tensor, name=name))

    def _output(self, name: str) -> Tensor:
        tensor = self._read(name)
        assert tensor is not None
        proto = onnx.helper.make_node('Identity', [name], [name], f'output {name}')
        symbol = self._reader(proto, [tensor]).sym(0)
        # A network does not hand out its own inputs and parameters.
        if len(symbol.get_internals()) == 1:
            tensor.symbol = mx.sym.identity(symbol, name=f'{name}/identity')
        return tensor


def _said(exc: Exception) -> str:
    lines = str(exc).strip().splitlines()
    return f'{type(exc).__name__}: {lines[-1]}' if lines else type(exc).__name__


def _kind(value: onnx.ValueInfoProto) -> str:
    return (value.type.WhichOneof('value') or 'an unknown type').replace('_', ' ')


def _needed(proto: onnx.GraphProto, wanted: set[str]) -> set[int]:
    """Numbers of the nodes without which the wanted values cannot be computed."""
    wanted, needed = set(wanted), set()
    for index in range(len(proto.node) - 1, -1, -1):
        node = proto.node[index]
        if wanted & set(node.output):
            needed.add(index)
            wanted |= set(_reads(node))
    return needed


def _read_in(proto: onnx.GraphProto) -> set[str]:
    """Every value that a node reads or that is an output."""
    return {*(name for node in proto.node for name in _reads(node)),
            *(value.name for value in proto.output)}


def _reads(node: onnx.NodeProto) -> Sequence[str]:
    """What a node reads, and what the graphs inside it read."""
    inner = [attribute.g for attribute in node.attribute
             if attribute.type == onnx.AttributeProto.GRAPH]
    return [*node.input, *(name for graph in inner for value in graph.node
                           for name in _reads(value)),
            *(value.name for graph in inner for value in graph.output)]


def _size_of_known(node: Node) -> Optional[list[Optional[Tensor]]]:
    shape = node.tensor(0).shape
    if shape is None or not all(isinstance(dim, int) for dim in shape):
        return None
    if node.op == 'Size':
        return [constant(node.proto.output[0], np.prod(np.array(shape, np.int64)))]
    chosen = shape[node.attr('start', 0):node.attr('end')]
    return [constant(node.proto.output[0], np.array(chosen, np.int64))]
