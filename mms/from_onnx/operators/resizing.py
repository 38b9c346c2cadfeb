"""Resize and Upsample: each new element is a weighted sum of a few old ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from mms.from_onnx.node import Node
from mms.from_onnx.numpy_types import Array
from mms.from_onnx.operators.interpolation import Scheme, taps
from mms.from_onnx.table import operator
from mms.from_onnx.tensor import Shape
from mms.mxnet_compat import mxnet as mx


@operator('Upsample')
def _upsample(node: Node) -> Any:
    mode = node.only('mode', 'nearest', 'linear', 'bilinear')
    if node.opset >= 9:
        scales = [float(scale) for scale in node.constant(1, 'scales')]
    elif node.has_attr('scales'):
        scales = list(node.attr('scales'))
    else:
        scales = [1.0, 1.0, node.attr('height_scale'), node.attr('width_scale')]
    scheme = Scheme('nearest' if mode == 'nearest' else 'linear', 'asymmetric', 'floor')
    return _resized(node, scheme, list(range(len(scales))), scales, None)


@operator('Resize', limits='not `tf_crop_and_resize`, not `antialias`; lengths of the request '
                           'grow by whole numbers with `nearest`, `asymmetric`, `floor` only')
def _resize(node: Node) -> Any:
    scheme = _scheme(node)
    rank = node.rank(0)
    axes = [node.axis(axis, rank) for axis in node.attr('axes') or range(rank)]
    if node.opset < 11:
        scales = [float(scale) for scale in node.constant(1, 'scales')]
        if scheme.mode == 'nearest' and any(scale < 1 and 1 / scale % 1 for scale in scales):
            node.refuse('which element is the nearest when it shrinks is not settled at opset 10')
        return _resized(node, scheme, axes, scales, None)
    sizes = node.lengths(3, 'sizes') if node.given(3) and node.tensor(3).shape != (0,) else ()
    if not sizes:
        given = [float(scale) for scale in node.constant(2, 'scales')]
        return _resized(node, scheme, axes, given, None)
    node.only('keep_aspect_ratio_policy', 'stretch')
    return _to_sizes(node, scheme, axes, sizes)


def _to_sizes(node: Node, scheme: Scheme, axes: Sequence[int], sizes: Shape) -> Any:
    """Lengths that stay what they are may be the request's."""
    changed = [(axis, size) for axis, size in zip(axes, sizes) if size != node.shape(0)[axis]]
    wanted = []
    for _, size in changed:
        if isinstance(size, str):
            node.refuse(f'its new length {size} is one that only a request tells')
        wanted.append(size)
    scales = [size / node.length(0, axis, 'sizes')
              for (axis, _), size in zip(changed, wanted)]
    return _resized(node, scheme, [axis for axis, _ in changed], scales, wanted)


def _scheme(node: Node) -> Scheme:
    mode = node.only('mode', 'nearest', 'linear', 'cubic')
    if node.opset < 11:
        return Scheme(mode, 'asymmetric', 'floor')
    how = node.only('coordinate_transformation_mode', 'half_pixel', 'asymmetric', 'align_corners',
                    'pytorch_half_pixel', 'half_pixel_symmetric')
    node.only('antialias', 0)
    node.ignore('extrapolation_value', 'keep_aspect_ratio_policy')
    rounding = node.only('nearest_mode', 'round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil')
    return Scheme(mode, how, rounding, node.attr('cubic_coeff_a', -0.75),
                  bool(node.attr('exclude_outside', 0)))


def _resized(node: Node, scheme: Scheme, axes: Sequence[int], scales: Sequence[float],
             sizes: Optional[Sequence[int]]) -> Any:
    symbol = node.sym(0)
    for position, axis in enumerate(axes):
        scale = scales[position]
        if scale == 1:
            continue
        if _repeats(scheme, scale):
            symbol = _repeated(symbol, axis, int(scale))
            continue
        length = node.length(0, axis, 'its interpolation')
        if scheme.coordinates == 'align_corners' and not sizes and length * scale % 1:
            node.refuse(f'{length} times {scale} is no whole number, and what align_corners then '
                        'means is not settled')
        size = sizes[position] if sizes else int(np.float32(length) * np.float32(scale))
        if not size or (size == length and not sizes):
            node.refuse(f'{length} times {scale} makes {size}, which says nothing')
        symbol = _interpolated(node, symbol, axis, taps(scheme, length, size, scale))
    return symbol


def _repeats(scheme: Scheme, scale: float) -> bool:
    """Whether each element is simply repeated, whatever the length."""
    return scheme.mode == 'nearest' and scale == int(scale) and (
        (scheme.coordinates, scheme.rounding) == ('asymmetric', 'floor')
        or (scheme.coordinates == 'half_pixel' and scheme.rounding.startswith('round')))


def _repeated(symbol: Any, axis: int, times: int) -> Any:
    """Each element `times` times; MXNet's own repeat wants to know every length."""
    wide = mx.sym.broadcast_axis(mx.sym.expand_dims(symbol, axis=axis + 1), axis=axis + 1,
                                 size=times)
    return mx.sym.reshape(wide, shape=(*(0,) * axis, -3, -2))


def _interpolated(node: Node, symbol: Any, axis: int,
                  found: tuple[Array, Array]) -> Any:
    """Sums of elements `found[0]` (new length, taps) with weights `found[1]`."""
    indices, weights = found
    parts = []
    shape = [1] * node.rank(0)
    shape[axis] = -1
    for tap in range(indices.shape[1]):
        source = node.param(f'from_{axis}_{tap}', indices[:, tap].astype(np.int32))
        part = mx.sym.take(symbol, source, axis=axis, mode='clip')
        weight = weights[:, tap].astype(node.dtype(0)).reshape(shape)
        if not (weight == 1).all():
            part = mx.sym.broadcast_mul(part, node.param(f'weight_{axis}_{tap}', weight))
        parts.append(part)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
