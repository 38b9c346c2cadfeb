"""Element types."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from mms.from_onnx.node import Node
from mms.from_onnx.numpy_types import DType
from mms.from_onnx.operators.common import as_bool
from mms.from_onnx.table import ANY, operator
from mms.from_onnx.tensor import PHYSICAL
from mms.mxnet_compat import mxnet as mx


@operator('Identity', types=ANY)
def _identity(node: Node) -> Any:
    return node.sym(0)


@operator('Cast', types=ANY, limits='to types that MXNet has')
def _cast(node: Node) -> Any:
    node.ignore('saturate', 'round_mode')  # they speak of 8-bit floats, which are refused
    wanted = node.needed('to')
    if isinstance(wanted, str):
        wanted = onnx.TensorProto.DataType.Value(wanted)
    return _to(node, np.dtype(onnx.helper.tensor_dtype_to_np_dtype(wanted)))


@operator('CastLike', types=ANY, limits='to types that MXNet has')
def _cast_like(node: Node) -> Any:
    node.ignore('saturate', 'round_mode')
    return _to(node, node.dtype(1))


def _to(node: Node, dtype: DType) -> Any:
    if dtype.name not in PHYSICAL:
        node.refuse(f'MXNet has no {dtype.name}')
    if node.outputs[0] is not None:
        node.outputs[0].dtype = dtype
    if dtype == np.bool_ and node.dtype(0) != np.bool_:
        return as_bool(node.sym(0) != 0)
    return mx.sym.cast(node.sym(0), dtype=PHYSICAL[dtype.name])
