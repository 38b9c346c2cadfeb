"""Nodes whose inputs are all constants are computed once, while the model is converted."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from mms.from_onnx.numpy_types import Array

# Those that mean the same in every opset that the reference knows, and draw no lots.
FOLDED = frozenset('''
    Abs Add And Cast CastLike Ceil Clip Compress Concat ConstantOfShape CumSum Div Equal Erf Exp
    Expand EyeLike Flatten Floor Gather GatherElements GatherND Greater GreaterOrEqual Identity
    IsInf IsNaN Less LessOrEqual Log MatMul Max Mean Min Mod Mul Neg NonZero Not OneHot Or Pad Pow
    Range Reciprocal ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Reshape Round
    ScatterElements ScatterND Shape Sign Size Slice Split Sqrt Squeeze Sub Sum Tile TopK Transpose
    Trilu Unique Unsqueeze Where Xor DequantizeLinear Sin Cos
'''.split())
# Before this one, numbers were broadcast by attributes.
_FIRST_OPSET = 7


def constant_of(proto: onnx.NodeProto) -> Optional[Array]:
    """The value of a Constant node; None if it is no array of numbers."""
    (attribute,) = proto.attribute
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.name == 'value':
        array: Array = onnx.numpy_helper.to_array(value)
        return array
    if attribute.name in ('value_float', 'value_floats'):
        return np.array(value, np.float32)
    if attribute.name in ('value_int', 'value_ints'):
        return np.array(value, np.int64)
    return None


def fold(
    proto: onnx.NodeProto, opset: int, values: Sequence[Optional[Array]]
) -> Optional[list[Array]]:
    """Values of a node's outputs, or None if they are left to MXNet.

    Parameters
    ----------
    values
        One an input; None for an optional one that is left out.
    """
    if proto.op_type not in FOLDED or (opset < _FIRST_OPSET and proto.attribute):
        return None
    try:
        with warnings.catch_warnings(), np.errstate(all='ignore'):
            warnings.simplefilter('ignore')
            found = _run(proto, opset, values)
    except Exception:  # the reference raises whatever NumPy does
        return None
    return found if all(isinstance(value, np.ndarray) for value in found) else None


def _run(proto: onnx.NodeProto, opset: int, values: Sequence[Any]) -> list[Array]:
    feeds = {name: value for name, value in zip(proto.input, values) if name}
    inputs = [onnx.helper.make_tensor_value_info(
        name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in feeds.items()]
    names = [name for name in proto.output if name]
    outputs = [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in names]
    graph = onnx.helper.make_graph([proto], 'constant', inputs, outputs)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', opset)])
    found = ReferenceEvaluator(model).run(names, feeds)
    return [np.asarray(value) for value in found]
