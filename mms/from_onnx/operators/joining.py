"""Tensors put together, taken apart and repeated."""

from __future__ import annotations

from typing import Any, Optional

from mms.from_onnx.node import Node
from mms.from_onnx.table import ANY, operator
from mms.mxnet_compat import mxnet as mx


@operator('Concat', types=ANY)
def _concat(node: Node) -> Any:
    axis = node.axis(node.attr('axis', 1), node.rank(0))
    full = [index for index, tensor in enumerate(node.inputs)
            if not (tensor is not None and tensor.shape and tensor.shape[axis] == 0)]
    symbols = [node.sym(index) for index in full]
    return mx.sym.concat(*symbols, dim=axis) if len(symbols) > 1 else symbols[0]


@operator('Split', types=ANY)
def _split(node: Node) -> Any:
    axis = node.axis(node.attr('axis', 0), node.rank(0))
    sizes = _sizes(node, axis)
    parts, begin = [], 0
    for size in sizes:
        parts.append(mx.sym.slice_axis(node.sym(0), axis=axis, begin=begin, end=begin + size))
        begin += size
    return parts


def _sizes(node: Node, axis: int) -> list[int]:
    count = len(node.proto.output)
    given: Optional[Any] = node.attr('split') if node.opset < 13 else (
        node.numbers(1, 'split') if node.given(1) else None)
    if node.opset >= 18:
        node.ignore('num_outputs')
    if node.opset == 1 and node.given(1):
        given = node.numbers(1, 'split')
    if given is not None:
        if 0 in given:
            node.refuse('a part has no elements, which MXNet does not know')
        return list(given)
    length = node.length(0, axis)
    size = -(-length // count)
    sizes = [min(size, length - size * index) for index in range(count)]
    if min(sizes) <= 0:
        node.refuse('a part has no elements, which MXNet does not know')
    return sizes


@operator('Tile', types=ANY)
def _tile(node: Node) -> Any:
    if node.opset < 6:
        node.refuse('before opset 6 it goes by other rules, which are not converted')
    symbol, repeats = node.sym(0), node.numbers(1, 'repeats')
    for axis, count in enumerate(repeats):  # MXNet cannot repeat all of four dimensions at once
        reps = tuple(count if axis == other else 1 for other in range(len(repeats)))
        symbol = symbol if count == 1 else mx.sym.tile(symbol, reps=reps)
    return symbol
