"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from mms.from_onnx.node import Node
from mms.from_onnx.operators.common import with_rank
from mms.from_onnx.operators.expanding import spread_to
from mms.from_onnx.table import operator
from mms.mxnet_compat import mxnet as mx


@operator('Gemm')
def _gemm(node: Node) -> Any:
    alpha, beta = node.attr('alpha', 1.0), node.attr('beta', 1.0)
    node.ignore('broadcast')
    symbol = node.sym(0)
    if node.attr('transA', 0):
        symbol = mx.sym.transpose(symbol, axes=(1, 0))
    transposed, weight = node.attr('transB', 0), node.value(1)
    bias = _bias_of(node, beta)
    if weight is None:
        product = mx.sym.dot(symbol, node.sym(1), transpose_b=bool(transposed))
        return _plus(node, product * alpha if alpha != 1 else product, beta)
    if transposed and alpha == 1:
        matrix = node.sym(1)  # as it is: many layers may share it
    else:
        rows = weight if transposed else weight.T
        matrix = node.param('weight', rows * weight.dtype.type(alpha))
    hidden = weight.shape[0 if transposed else 1]
    if bias is not None and bias.shape == (hidden,):
        return mx.sym.FullyConnected(symbol, matrix, node.param('bias', bias), num_hidden=hidden)
    product = mx.sym.FullyConnected(symbol, matrix, no_bias=True, num_hidden=hidden)
    return _plus(node, product, beta)


def _bias_of(node: Node, beta: float) -> Any:
    """C as the bias of a layer, if it is a constant row."""
    value = node.value(2) if node.given(2) else None
    if value is None or not value.ndim or value.size != value.shape[-1]:
        return None
    return value.reshape(-1) * value.dtype.type(beta)


def _plus(node: Node, product: Any, beta: float) -> Any:
    if not node.given(2) or beta == 0:
        return product
    addend = with_rank(node.sym(2), node.rank(2), 2)
    return mx.sym.broadcast_add(product, addend * beta if beta != 1 else addend)


@operator('MatMul', limits='floating-point numbers')
def _matmul(node: Node) -> Any:
    left, right = node.rank(0), node.rank(1)
    if min(left, right) == 0:
        node.refuse('an input is a scalar')
    weight = node.value(1)
    if weight is not None and weight.ndim == 2 and node.value(0) is None and left >= 2:
        # The same layer whatever comes before the last dimension.
        return mx.sym.FullyConnected(
            node.sym(0), node.param('weight', np.ascontiguousarray(weight.T)), no_bias=True,
            num_hidden=weight.shape[1], flatten=False)
    first = mx.sym.expand_dims(node.sym(0), axis=0) if left == 1 else node.sym(0)
    second = mx.sym.expand_dims(node.sym(1), axis=1) if right == 1 else node.sym(1)
    product = _product(node, first, second, max(left, 2), max(right, 2))
    rank = max(left, right, 2)
    if left == 1 and right == 1:
        return mx.sym.reshape(product, shape=(1,))
    if left == 1 or right == 1:
        return mx.sym.squeeze(product, axis=rank - 2 if left == 1 else rank - 1)
    return product


def _product(node: Node, first: Any, second: Any, left: int, right: int) -> Any:
    if right == 2:
        return mx.sym.dot(first, second)
    rank = max(left, right)
    first, second = with_rank(first, left, rank), with_rank(second, right, rank)
    batches = [((1,) * rank + node.shape(index))[-rank:-2] for index in (0, 1)]
    if batches[0] != batches[1] or left != right:
        first, second = _same_batches(first, second)
    return mx.sym.batch_dot(first, second)


def _same_batches(first: Any, second: Any) -> tuple[Any, Any]:
    """Both, broadcast over all dimensions but the last two."""
    return (_spread(first, second), _spread(second, first))


def _spread(symbol: Any, other: Any) -> Any:
    column = mx.sym.slice_axis(mx.sym.slice_axis(other, axis=-1, begin=0, end=1),
                               axis=-2, begin=0, end=1)
    return spread_to(symbol, [column])
