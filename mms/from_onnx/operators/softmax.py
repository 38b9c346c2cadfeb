"""Softmax and its kin, over one dimension or, before opset 13, over all that follow."""

from __future__ import annotations

from typing import Any, Callable

from mms.from_onnx.node import Node
from mms.from_onnx.operators.common import last_to
from mms.from_onnx.table import operator
from mms.mxnet_compat import mxnet as mx

_FIRST_OF_ONE_AXIS = 13


def _over_axis(node: Node, function: Callable[..., Any]) -> Any:
    rank = node.rank(0)
    if node.opset >= _FIRST_OF_ONE_AXIS:
        return function(node.sym(0), axis=node.axis(node.attr('axis', -1), rank))
    axis = node.axis(node.attr('axis', 1), rank)
    if all(dim == 1 for dim in node.shape(0)[axis + 1:]):
        return function(node.sym(0), axis=axis)
    flat = function(_matrix(node.sym(0), axis), axis=-1)
    return mx.sym.reshape_like(flat, node.sym(0))


def _matrix(symbol: Any, axis: int) -> Any:
    """The dimensions from `axis` on as one, and those before it as they are."""
    return mx.sym.reshape(symbol, shape=(*(0,) * axis, -1))


@operator('Softmax')
def _softmax(node: Node) -> Any:
    return _over_axis(node, mx.sym.softmax)


@operator('LogSoftmax')
def _log_softmax(node: Node) -> Any:
    return _over_axis(node, mx.sym.log_softmax)


@operator('Hardmax', limits='needs the length of its dimension')
def _hardmax(node: Node) -> Any:
    rank = node.rank(0)
    axis = node.axis(node.attr('axis', -1 if node.opset >= _FIRST_OF_ONE_AXIS else 1), rank)
    after = node.shape(0)[axis + 1:]
    if node.opset < _FIRST_OF_ONE_AXIS and any(dim != 1 for dim in after):
        node.refuse('before opset 13 it goes over several dimensions at once')
    depth = node.length(0, axis)
    first = mx.sym.argmax(node.sym(0), axis=axis)
    hot = mx.sym.one_hot(first, depth=depth, dtype=node.physical(0))
    return last_to(hot, axis, rank) if rank > 1 else mx.sym.reshape(hot, shape=(-1,))
