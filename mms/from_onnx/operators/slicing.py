"""Slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from mms.from_onnx.node import Node
from mms.from_onnx.table import ANY, operator
from mms.from_onnx.tensor import Dim
from mms.mxnet_compat import mxnet as mx

# An end that is at least this says: to the end.
_FAR = 2**31 - 1


@operator('Slice', types=ANY, limits='backward, or from the end to a place that is counted from '
                                     'the front: needs the length of its dimension')
def _slice(node: Node) -> Any:
    starts, ends, axes, steps = _read(node)
    symbol = node.sym(0)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        axis = node.axis(axis, node.rank(0))
        length = node.shape(0)[axis]
        if step > 0:
            symbol = _forward(node, symbol, axis, (start, end, step), length)
        else:
            symbol = _backward(node, symbol, axis, (start, end, step))
    return symbol


def _read(node: Node) -> tuple[Sequence[int], Sequence[Dim], Sequence[int], Sequence[int]]:
    if node.opset < 10:
        starts, ends = node.attr('starts'), node.attr('ends')
        axes = node.attr('axes') or range(len(starts))
        return starts, ends, axes, [1] * len(starts)
    starts, lengths = node.numbers(1, 'start'), node.lengths(2, 'end')
    axes = node.numbers(3, 'axes') if node.given(3) else range(len(starts))
    steps = node.numbers(4, 'steps') if node.given(4) else [1] * len(starts)
    return starts, lengths, axes, steps


def _forward(node: Node, symbol: Any, axis: int, part: tuple[int, Dim, int], length: Dim) -> Any:
    start, end, step = part
    if isinstance(length, int) and start < 0:
        start = max(start + length, 0)
    if isinstance(end, str) and end != length:
        if start < 0:
            node.refuse(f'its start {start} counts from the end of a length that only a request '
                        f'tells, and its end is another, {end}')
        symbol, length = _shortened(node, symbol, axis, end), end
    if isinstance(length, str) and start < -1:
        symbol, start, end = _last(node, symbol, axis, start, end), 0, _FAR
    begin, stop = _range(node, start, end, length)
    if (begin, stop, step) == (0, None, 1):
        return symbol
    # Unlike slice_axis, slice takes an end that lies beyond the last element.
    nothing = (None,) * axis
    return mx.sym.slice(symbol, begin=(*nothing, begin), end=(*nothing, stop),
                        step=(*nothing, step))


def _range(node: Node, start: int, end: Dim, length: Dim) -> tuple[int, Optional[int]]:
    """First, and the one after the last; None is the end."""
    if isinstance(length, int):
        assert isinstance(end, int)
        first, last, _ = slice(start, end).indices(length)
        if last <= first:
            node.refuse('nothing is left of it, which MXNet does not know')
        return first, None if last == length else last
    if isinstance(end, str) or end >= _FAR:
        return start, None
    if end < -_FAR:
        node.refuse('nothing is left of it, which MXNet does not know')
    return max(start, -_FAR), end


def _last(node: Node, symbol: Any, axis: int, start: int, end: Dim) -> Any:
    """The elements from `start` below 0 on: all, if there are not as many."""
    stop = 0 if isinstance(end, str) or end >= _FAR else -end
    if stop < 0 or end == 0:
        node.refuse(f'its start {start} counts from the end of a length that only a request '
                    f'tells, and its end {end} from the front')
    if stop >= -start:
        node.refuse('nothing is left of it, which MXNet does not know')
    nothing, start = (None,) * axis, max(start, -_FAR)
    # Counted from the other side, an element beyond the last one may be named.
    symbol = mx.sym.slice(mx.sym.flip(symbol, axis=axis), begin=(*nothing, stop),
                          end=(*nothing, -start))
    return mx.sym.flip(symbol, axis=axis)


def _shortened(node: Node, symbol: Any, axis: int, length: str) -> Any:
    """As many elements from the front as an input has."""
    source, its_axis = node.input_of_length(length)
    row = mx.sym.contrib.arange_like(source, axis=its_axis)
    like = mx.sym.reshape(row, shape=(*(1,) * axis, -1, *(1,) * (node.rank(0) - axis - 1)))
    return mx.sym.slice_like(symbol, mx.sym.cast(like, dtype=node.physical(0)), axes=(axis,))


def _backward(node: Node, symbol: Any, axis: int, part: tuple[int, Dim, int]) -> Any:
    start, end, step = part
    if isinstance(end, str):
        node.refuse(f'its end is the length {end}, which only a request tells')
    length = node.length(0, axis, 'a backward slice')
    first, last, _ = slice(start, end, step).indices(length)
    taken = range(first, last, step)
    if not taken:
        node.refuse('nothing is left of it, which MXNet does not know')
    low, high = taken[-1], taken[0]
    symbol = mx.sym.slice_axis(symbol, axis=axis, begin=low, end=high + 1)
    symbol = mx.sym.flip(symbol, axis=axis)
    if step == -1:
        return symbol
    nothing = (None,) * axis
    return mx.sym.slice(symbol, begin=(*nothing, 0), end=(*nothing, None), step=(*nothing, -step))
