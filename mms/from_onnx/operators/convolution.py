"""Convolutions, forth and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mms.from_onnx.node import Node
from mms.from_onnx.operators.windows import Windows, pad_spatial, read_windows
from mms.from_onnx.table import operator
from mms.mxnet_compat import mxnet as mx

_MAX_SPATIAL = 3


def _kernel(node: Node) -> list[int]:
    shape = node.shape(1)
    sizes = [node.length(1, axis, 'its kernel') for axis in range(2, len(shape))]
    given = node.attr('kernel_shape') or sizes
    if given != sizes:
        node.refuse(f'kernel_shape is {given}, and its weights are for {sizes}')
    if not 1 <= len(sizes) <= _MAX_SPATIAL:
        node.refuse(f'it goes over {len(sizes)} dimensions, MXNet over 1 to {_MAX_SPATIAL}')
    return given


def _bias(node: Node) -> list[Any]:
    return [node.sym(2)] if node.given(2) else []


@operator('Conv', limits='over 1 to 3 dimensions')
def _conv(node: Node) -> Any:
    kernel = _kernel(node)
    windows = read_windows(node, kernel)
    symbol, pad = node.sym(0), windows.before
    if not windows.symmetric:
        symbol, pad = pad_spatial(symbol, windows.before, windows.after), (0,) * len(kernel)
    return mx.sym.Convolution(
        symbol, node.sym(1), *_bias(node), no_bias=not node.given(2), kernel=windows.kernel,
        stride=windows.strides, dilate=windows.dilations, pad=pad,
        num_group=node.attr('group', 1), num_filter=node.length(1, 0))


@operator('ConvTranspose', limits='over 1 to 3 dimensions')
def _conv_transpose(node: Node) -> Any:
    kernel = _kernel(node)
    extra = tuple(node.attr('output_padding') or (0,) * len(kernel))
    windows = _sized(node, kernel, extra)
    group = node.attr('group', 1)
    # The whole output first, of which the padding then cuts off the rim.
    whole = mx.sym.Deconvolution(
        node.sym(0), node.sym(1), no_bias=True, kernel=windows.kernel, stride=windows.strides,
        dilate=windows.dilations, num_group=group, num_filter=node.length(1, 1) * group)
    whole = _trimmed(whole, windows, extra)
    if not node.given(2):
        return whole
    bias = mx.sym.reshape(node.sym(2), shape=(1, -1) + (1,) * len(kernel))
    return mx.sym.broadcast_add(whole, bias)


def _sized(node: Node, kernel: Sequence[int], extra: Sequence[int]) -> Windows:
    wanted, count = node.attr('output_shape'), len(kernel)
    auto = node.attr('auto_pad', 'NOTSET')
    if not wanted and auto in ('NOTSET', 'VALID'):
        return read_windows(node, kernel)
    node.only('auto_pad', 'NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER')
    node.ignore('pads')
    strides = tuple(node.attr('strides') or (1,) * count)
    dilations = tuple(node.attr('dilations') or (1,) * count)
    totals = []
    for axis in range(count):
        covered = (kernel[axis] - 1) * dilations[axis] + 1 + extra[axis]
        if wanted:
            length = node.length(0, axis + 2, 'output_shape')
            total = strides[axis] * (length - 1) + covered - wanted[-count:][axis]
        else:
            total = covered - strides[axis]
        if total < 0:
            node.refuse('its output is larger than what its windows reach')
        totals.append(total)
    small, large = [total // 2 for total in totals], [-(-total // 2) for total in totals]
    before, after = (small, large) if auto == 'SAME_UPPER' else (large, small)
    return Windows(tuple(kernel), strides, dilations, tuple(before), tuple(after))


def _trimmed(symbol: Any, windows: Windows, extra: Sequence[int]) -> Any:
    count = len(windows.kernel)
    missing = [max(more - after, 0) for more, after in zip(extra, windows.after)]
    symbol = pad_spatial(symbol, (0,) * count, missing)
    for axis in range(count):
        begin, end = windows.before[axis], max(windows.after[axis] - extra[axis], 0)
        if begin or end:
            symbol = mx.sym.slice_axis(symbol, axis=axis + 2, begin=begin, end=-end or None)
    return symbol


