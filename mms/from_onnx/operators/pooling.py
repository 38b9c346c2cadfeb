"""Pooling over windows and over whole pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mms.from_onnx.node import Node
from mms.from_onnx.operators.windows import Windows, pad_spatial, read_windows
from mms.from_onnx.table import operator
from mms.mxnet_compat import mxnet as mx

_LOWEST = float(np.finfo(np.float32).min)
_MAX_SPATIAL = 3
_LIMITS = 'over 1 to 3 dimensions; no `dilations`'


def _read(node: Node) -> Windows:
    kernel = node.needed('kernel_shape')
    if not 1 <= len(kernel) <= _MAX_SPATIAL:
        node.refuse(f'it goes over {len(kernel)} dimensions, MXNet over 1 to {_MAX_SPATIAL}')
    windows = read_windows(node, kernel)
    if set(windows.dilations) != {1}:
        node.refuse('windows with dilations are not converted')
    return windows


def _overhang(node: Node, windows: Windows) -> tuple[int, ...]:
    """Elements beyond the padding that the last window of ceil_mode reaches over."""
    if not node.attr('ceil_mode', 0):
        return (0,) * len(windows.kernel)
    overhang = tuple(_overhang_of(node, windows, axis) for axis in range(len(windows.kernel)))
    _tell(node, windows, overhang)
    return overhang


def _tell(node: Node, windows: Windows, overhang: Sequence[int]) -> None:
    """Write down the new lengths: ONNX's rules count windows that are left out."""
    made = node.outputs[0]
    if made is None or made.shape is None:
        return
    sizes = list(made.shape)
    for axis, length in enumerate(node.shape(0)[2:]):
        if isinstance(length, int):  # others have a stride of 1, where none is left out
            reach = length + windows.before[axis] + windows.after[axis] + overhang[axis]
            sizes[axis + 2] = (reach - windows.kernel[axis]) // windows.strides[axis] + 1
    made.shape = tuple(sizes)


def _overhang_of(node: Node, windows: Windows, axis: int) -> int:
    kernel, stride = windows.kernel[axis], windows.strides[axis]
    if stride == 1:
        return 0
    length = node.length(0, axis + 2, 'ceil_mode')
    padded = length + windows.before[axis] + windows.after[axis]
    count = -(-(padded - kernel) // stride) + 1
    # A window that begins in the padding at the end is left out.
    if (count - 1) * stride >= length + windows.before[axis]:
        count -= 1
    return max((count - 1) * stride + kernel - padded, 0)


def _pool(symbol: Any, windows: Windows, kind: str, pad: Sequence[int] = (), **more: Any) -> Any:
    return mx.sym.Pooling(
        symbol, kernel=windows.kernel, stride=windows.strides, pool_type=kind,
        pad=tuple(pad) or (0,) * len(windows.kernel), pooling_convention='valid', **more)


@operator('MaxPool', limits=f'{_LIMITS}; the second output is refused')
def _max_pool(node: Node) -> Any:
    node.ignore('storage_order')  # speaks of the second output
    node.only_outputs(1)
    windows = _read(node)
    overhang = _overhang(node, windows)
    if windows.symmetric and not any(overhang):
        return _pool(node.sym(0), windows, 'max', windows.before)
    after = [one + more for one, more in zip(windows.after, overhang)]
    return _pool(pad_spatial(node.sym(0), windows.before, after, _LOWEST), windows, 'max')


@operator('AveragePool', limits=_LIMITS)
def _average_pool(node: Node) -> Any:
    windows = _read(node)
    overhang, counts_padding = _overhang(node, windows), node.attr('count_include_pad', 0)
    if windows.symmetric and not any(overhang):
        return _pool(node.sym(0), windows, 'avg', windows.before,
                     count_include_pad=bool(counts_padding))
    after = [one + more for one, more in zip(windows.after, overhang)]
    ones = mx.sym.ones_like(node.sym(0))
    if counts_padding:
        ones = pad_spatial(ones, windows.before, windows.after, 1.0)
        ones = pad_spatial(ones, (0,) * len(after), overhang)
    else:
        ones = pad_spatial(ones, windows.before, after)
    total = _pool(pad_spatial(node.sym(0), windows.before, after), windows, 'sum')
    return total / _pool(ones, windows, 'sum')


@operator('LpPool', limits=f'{_LIMITS}, no `ceil_mode`; p of 1, 2 or 3')
def _lp_pool(node: Node) -> Any:
    node.only('ceil_mode', 0)
    windows = _read(node)
    symbol = pad_spatial(node.sym(0), windows.before, windows.after)
    return _pool(mx.sym.abs(symbol), windows, 'lp', p_value=node.only('p', 2, 1, 3))


def _over_all(node: Node, kind: str, **more: Any) -> Any:
    count = node.rank(0) - 2
    if not 1 <= count <= _MAX_SPATIAL:
        node.refuse(f'it goes over {count} dimensions, MXNet over 1 to {_MAX_SPATIAL}')
    return mx.sym.Pooling(node.sym(0), kernel=(1,) * count, global_pool=True, pool_type=kind,
                          **more)


@operator('GlobalAveragePool')
def _global_average(node: Node) -> Any:
    return _over_all(node, 'avg')


@operator('GlobalMaxPool')
def _global_max(node: Node) -> Any:
    return _over_all(node, 'max')
