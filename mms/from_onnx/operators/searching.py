"""Where the largest and the smallest elements are."""

from __future__ import annotations

from typing import Any

from mms.from_onnx.node import Node
from mms.from_onnx.table import FLOATS, operator
from mms.mxnet_compat import mxnet as mx


@operator('ArgMax', 'ArgMin', types=FLOATS)
def _arg(node: Node) -> Any:
    axis, keep = node.axis(node.attr('axis', 0), node.rank(0)), bool(node.attr('keepdims', 1))
    symbol = node.sym(0)
    function = mx.sym.argmax if node.op == 'ArgMax' else mx.sym.argmin
    if not node.attr('select_last_index', 0):
        return mx.sym.cast(function(symbol, axis=axis, keepdims=keep), dtype='int64')
    last = node.length(0, axis, 'select_last_index') - 1
    found = function(mx.sym.flip(symbol, axis=axis), axis=axis, keepdims=keep)
    return mx.sym.cast(last - found, dtype='int64')


@operator('TopK', types=FLOATS, limits='a constant K; equal elements come in '
                                         'any order')
def _top_k(node: Node) -> Any:
    axis = node.axis(node.attr('axis', -1), node.rank(0))
    node.ignore('sorted')  # in order is one of the orders that it may have
    count = node.attr('k') if node.opset < 10 else node.numbers(1, 'K')[0]
    if not count:
        node.refuse('K is 0')
    values, indices = mx.sym.topk(
        node.sym(0), axis=axis, k=count, ret_typ='both', dtype='int64',
        is_ascend=not node.attr('largest', 1))
    return [values, indices]


@operator('CumSum', types=FLOATS)
def _cum_sum(node: Node) -> Any:
    axis = node.axis(int(node.constant(1, 'axis').reshape(-1)[0]), node.rank(0))
    symbol = mx.sym.flip(node.sym(0), axis=axis) if node.attr('reverse', 0) else node.sym(0)
    total = mx.sym.cumsum(symbol, axis=axis)
    if node.attr('exclusive', 0):
        total = mx.sym.broadcast_sub(total, symbol)
    return mx.sym.flip(total, axis=axis) if node.attr('reverse', 0) else total
