"""Element types and shapes of what a node makes, by ONNX's own rules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
import onnx
from onnx.shape_inference import infer_node_outputs

from mms.from_onnx.numpy_types import DType
from mms.from_onnx.tensor import Dim, Shape, Tensor

# More than any list of lengths holds.
_LARGEST_LIST = 1024


class Unnamed:
    """Names for lengths that have none."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def new(self) -> str:
        """A name of its own."""
        return f'?{next(self._numbers)}'

    def dim(self, dim: Any) -> Dim:
        """A dimension of ONNX."""
        if dim.HasField('dim_value') and dim.dim_value >= 0:
            return int(dim.dim_value)
        return str(dim.dim_param) or self.new()

    def shape(self, type_proto: onnx.TypeProto) -> Optional[Shape]:
        """A shape of ONNX, None if it says nothing."""
        if not type_proto.tensor_type.HasField('shape'):
            return None
        return tuple(self.dim(dim) for dim in type_proto.tensor_type.shape.dim)


def dtype_of(type_proto: onnx.TypeProto) -> Optional[DType]:
    """The element type, None if it is not a tensor's."""
    number = type_proto.tensor_type.elem_type
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(number)) if number else None


def infer(
    proto: onnx.NodeProto, opset: int, inputs: Sequence[Optional[Tensor]], unnamed: Unnamed
) -> list[Optional[Tensor]]:
    """What is known of each output of a node; None for one that is left out."""
    types = _infer(proto, opset, [tensor for tensor in inputs if tensor is not None])
    return [_output(name, types.get(name), unnamed) if name else None for name in proto.output]


def _output(name: str, type_proto: Optional[onnx.TypeProto], unnamed: Unnamed) -> Tensor:
    if type_proto is None:
        return Tensor(name)
    return Tensor(name, dtype_of(type_proto), unnamed.shape(type_proto))


def _infer(
    proto: onnx.NodeProto, opset: int, inputs: Sequence[Tensor]
) -> dict[str, onnx.TypeProto]:
    """Name of an output -> its type; the outputs of which ONNX knows nothing are not there."""
    types = {tensor.name: _type_of(tensor) for tensor in inputs if tensor.dtype is not None}
    data = {tensor.name: onnx.numpy_helper.from_array(tensor.value, tensor.name)
            for tensor in inputs
            if tensor.value is not None and tensor.value.size <= _LARGEST_LIST}
    try:
        schema = onnx.defs.get_schema(proto.op_type, opset, proto.domain)
        found = infer_node_outputs(schema, proto, types, data,
                                   opset_imports=[onnx.helper.make_opsetid('', opset)])
        # Operators that are defined by others are known to the inference of whole models only.
        return found or _infer_model(proto, opset, types, data)
    except (onnx.shape_inference.InferenceError, onnx.defs.SchemaError,
            onnx.checker.ValidationError, KeyError, ValueError, RuntimeError):
        return {}


def _infer_model(
    proto: onnx.NodeProto, opset: int, types: dict[str, onnx.TypeProto],
    data: dict[str, onnx.TensorProto]
) -> dict[str, onnx.TypeProto]:
    inputs = [onnx.helper.make_value_info(name, found) for name, found in types.items()]
    outputs = [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in proto.output if name]
    graph = onnx.helper.make_graph([proto], 'node', inputs, outputs, list(data.values()))
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', opset)])
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    return {value.name: value.type for value in inferred.graph.output
            if value.type.tensor_type.elem_type}


def _type_of(tensor: Tensor) -> onnx.TypeProto:
    assert tensor.dtype is not None
    return onnx.helper.make_tensor_type_proto(
        onnx.helper.np_dtype_to_tensor_dtype(tensor.dtype), tensor.shape)
