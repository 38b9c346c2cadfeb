"""Sizes of windows that slide over a picture, and the padding around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mms.from_onnx.node import Node
from mms.mxnet_compat import mxnet as mx


class Windows(NamedTuple):
    """One entry a dimension after batch and channels."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def symmetric(self) -> bool:
        """Whether there is as much padding after as before."""
        return self.before == self.after


def read_windows(node: Node, kernel: Sequence[int]) -> Windows:
    """The attributes of a node whose windows have this size.

    ``auto_pad`` is turned into numbers.
    """
    count = len(kernel)
    strides = tuple(node.attr('strides') or (1,) * count)
    dilations = tuple(node.attr('dilations') or (1,) * count)
    pads = tuple(node.attr('pads') or (0,) * (2 * count))
    auto = node.only('auto_pad', 'NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER')
    if not len(strides) == len(dilations) == len(pads) // 2 == count == node.rank(0) - 2:
        node.refuse(f'its kernel of {count} dimensions does not go with its other attributes')
    if any(pad < 0 for pad in pads):
        node.refuse('padding of less than 0 is not converted')
    before, after = pads[:count], pads[count:]
    if auto == 'VALID':
        before = after = (0,) * count
    elif auto != 'NOTSET':
        totals = [_same(node, axis, kernel[axis], strides[axis], dilations[axis])
                  for axis in range(count)]
        small, large = [total // 2 for total in totals], [-(-total // 2) for total in totals]
        before, after = map(tuple, (small, large) if auto == 'SAME_UPPER' else (large, small))
    return Windows(tuple(kernel), strides, dilations, before, after)


def _same(node: Node, axis: int, kernel: int, stride: int, dilation: int) -> int:
    """Padding with which there is a window for every `stride` elements."""
    covered = (kernel - 1) * dilation + 1
    if stride == 1:
        return covered - 1
    length = node.length(0, axis + 2, 'auto_pad')
    return max((-(-length // stride) - 1) * stride + covered - length, 0)


def pad_spatial(
    symbol: Any, before: Sequence[int], after: Sequence[int], value: float = 0.0
) -> Any:
    """`symbol` with a border around its dimensions after batch and channels."""
    pairs = [number for pair in zip(before, after) for number in pair]
    if not any(pairs):
        return symbol
    if len(before) == 1:  # MXNet pads arrays of rank 4 and 5 only
        wide = mx.sym.expand_dims(symbol, axis=2)
        wide = mx.sym.pad(wide, mode='constant', pad_width=(0, 0, 0, 0, 0, 0, *pairs),
                          constant_value=value)
        return mx.sym.squeeze(wide, axis=2)
    return mx.sym.pad(symbol, mode='constant', pad_width=(0, 0, 0, 0, *pairs),
                      constant_value=value)
