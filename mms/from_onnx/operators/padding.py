"""Pad."""

from __future__ import annotations

from typing import Any

import numpy as np

from mms.from_onnx.node import Node
from mms.from_onnx.operators.common import transposed
from mms.from_onnx.table import operator
from mms.mxnet_compat import mxnet as mx

_MOST_AXES, _MOST_DIMENSIONS = 3, 5


@operator('Pad', limits='at most 3 dimensions of at most 5; `wrap` is refused')
def _pad(node: Node) -> Any:
    mode = node.only('mode', 'constant', 'reflect', 'edge')
    rank = node.rank(0)
    before, after, value = _read(node, rank)
    symbol = _cut(node.sym(0), before, after)
    pairs = {axis: (max(before[axis], 0), max(after[axis], 0)) for axis in range(rank)
             if before[axis] > 0 or after[axis] > 0}
    if len(pairs) > _MOST_AXES or (pairs and rank > _MOST_DIMENSIONS):
        node.refuse(f'{len(pairs)} of {rank} dimensions are padded; MXNet pads {_MOST_AXES} of '
                    f'{_MOST_DIMENSIONS}')
    return _padded(symbol, rank, pairs, mode, value) if pairs else symbol


def _read(node: Node, rank: int) -> tuple[list[int], list[int], float]:
    if node.opset < 11:
        pads = node.attr('pads' if node.opset >= 2 else 'paddings')
        return pads[:rank], pads[rank:], node.attr('value', 0.0)
    given = node.numbers(1, 'pads')
    value = float(node.constant(2, 'constant_value').reshape(-1)[0]) if node.given(2) else 0.0
    axes = node.numbers(3, 'axes') if node.given(3) else tuple(range(rank))
    before, after = [0] * rank, [0] * rank
    for position, axis in enumerate(axes):
        before[node.axis(axis, rank)] = given[position]
        after[node.axis(axis, rank)] = given[position + len(axes)]
    return before, after, value


def _cut(symbol: Any, before: list[int], after: list[int]) -> Any:
    """Padding of less than 0 cuts off."""
    for axis, (first, last) in enumerate(zip(before, after)):
        if first < 0 or last < 0:
            symbol = mx.sym.slice_axis(symbol, axis=axis, begin=max(-first, 0),
                                       end=min(last, 0) or None)
    return symbol


def _padded(symbol: Any, rank: int, pairs: dict[int, tuple[int, int]], mode: str,
            value: float) -> Any:
    """MXNet pads the last dimensions of arrays of rank 4 or 5, and never the first two."""
    order = [axis for axis in range(rank) if axis not in pairs] + list(pairs)
    wanted = max(4 if len(pairs) <= 2 else 5, rank)
    symbol = transposed(symbol, order)
    for _ in range(wanted - rank):
        symbol = mx.sym.expand_dims(symbol, axis=0)
    widths = [(0, 0)] * (wanted - len(pairs)) + list(pairs.values())
    symbol = mx.sym.pad(symbol, mode=mode, constant_value=float(value),
                        pad_width=tuple(number for pair in widths for number in pair))
    for _ in range(wanted - rank):
        symbol = mx.sym.squeeze(symbol, axis=0)
    return transposed(symbol, [int(position) for position in np.argsort(order)])
