"""Values repeated until they have a wanted shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mms.from_onnx.node import Node
from mms.from_onnx.operators.common import with_rank
from mms.from_onnx.table import ANY, operator
from mms.from_onnx.tensor import Dim, Shape
from mms.mxnet_compat import mxnet as mx


def spread_to(symbol: Any, symbols: Sequence[Any]) -> Any:
    """`symbol`, broadcast against all of `symbols`, which are of one rank."""
    for other in symbols:
        if other is not symbol:
            # Only the shape of this sum is used.
            shape = mx.sym.broadcast_add(
                mx.sym.cast(mx.sym.zeros_like(symbol), dtype='float32'),
                mx.sym.cast(mx.sym.zeros_like(other), dtype='float32'))
            symbol = mx.sym.broadcast_like(symbol, shape)
    return symbol


def expand(node: Node, symbol: Any, shape: Shape, wanted: Shape) -> Any:
    """`symbol` of `shape`, broadcast with `wanted`, whose lengths a request may tell.

    `symbol` has the higher rank of both already.
    """
    rank = max(len(shape), len(wanted))
    shape = (1,) * (rank - len(shape)) + shape
    wanted = (1,) * (rank - len(wanted)) + wanted
    fixed, open_axes = [], []
    for axis, (have, want) in enumerate(zip(shape, wanted)):
        is_same = have == want or want == 1
        fixed.append(0 if is_same or isinstance(want, str) else want)
        if not is_same and isinstance(want, str):
            open_axes.append((axis, want))
    if any(fixed):
        symbol = mx.sym.broadcast_to(symbol, shape=tuple(fixed))
    for axis, want in open_axes:
        symbol = _like_a_request(node, symbol, axis, want)
    return symbol


def _like_a_request(node: Node, symbol: Any, axis: int, want: Dim) -> Any:
    source, its_axis = node.input_of_length(want)
    return mx.sym.broadcast_like(symbol, source, lhs_axes=(axis,), rhs_axes=(its_axis,))


@operator('Expand', types=ANY)
def _expand(node: Node) -> Any:
    symbol = with_rank(node.sym(0), node.rank(0), len(node.lengths(1, 'shape')))
    return expand(node, symbol, node.shape(0), node.lengths(1, 'shape'))


@operator('ConstantOfShape', types='int64')
def _constant_of_shape(node: Node) -> Any:
    value = node.attr('value')
    wanted = node.lengths(0, 'shape')
    number = node.param('value', [0.0] if value is None else value)
    made = node.outputs[0]
    assert made is not None
    made.shape = wanted
    return expand(node, with_rank(number, 1, len(wanted)), (1,) * len(wanted), wanted)
