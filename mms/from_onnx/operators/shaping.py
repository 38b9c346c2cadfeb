"""New shapes for the same elements."""

from __future__ import annotations

from typing import Any, Optional

from mms.from_onnx.node import Node
from mms.from_onnx.operators.common import numbers_or_attr
from mms.from_onnx.operators.reshape_codes import reshape_codes
from mms.from_onnx.table import ANY, operator
from mms.from_onnx.tensor import Dim, Shape
from mms.mxnet_compat import mxnet as mx


@operator('Reshape', types=ANY, limits='not to lengths that are computed from values')
def _reshape(node: Node) -> Any:
    node.ignore('consumed_inputs')
    wanted = tuple(node.attr('shape')) if node.opset < 5 else node.lengths(1, 'shape')
    if node.attr('allowzero', 0) and 0 in wanted:
        node.refuse('a length of 0 is asked for, which MXNet does not know')
    source = node.shape(0)
    if any(dim == 0 for dim in wanted[len(source):]):
        node.refuse(f'a shape of {list(source)} has no length to copy for {list(wanted)}')
    filled = tuple(source[axis] if dim == 0 else dim for axis, dim in enumerate(wanted))
    return reshape(node, node.sym(0), source, filled)


def reshape(node: Node, symbol: Any, source: Shape, wanted: Shape) -> Any:
    """`symbol` of shape `source` in another shape; -1 is whatever is left."""
    if not wanted:
        return mx.sym.reshape(symbol, shape=(1,))
    codes = reshape_codes(source, wanted)
    if codes is None:
        node.refuse(f'a shape of {list(source)} cannot be told to become {list(wanted)}')
    _tell(node, source, wanted)
    return mx.sym.reshape(symbol, shape=codes)


def _tell(node: Node, source: Shape, wanted: Shape) -> None:
    """Write down the new shape where ONNX's rules lost sight of it."""
    made = node.outputs[0]
    assert made is not None
    open_axes = [axis for axis, dim in enumerate(wanted) if dim == -1]
    if made.shape is None or len(made.shape) != len(wanted):
        made.shape = wanted
    made.shape = tuple(known if dim == -1 else dim for dim, known in zip(wanted, made.shape))
    if open_axes and made.shape[open_axes[0]] == -1:
        made.shape = tuple(_left_over(source, wanted) if dim == -1 else dim for dim in made.shape)


def _left_over(source: Shape, wanted: Shape) -> Dim:
    """What -1 stands for."""
    rest = list(source)
    given = 1
    for dim in wanted:
        if dim in rest:
            rest.remove(dim)
        elif isinstance(dim, int) and dim > 0:
            given *= dim
    total = 1
    for dim in rest:
        if isinstance(dim, str):
            return dim if given == 1 and len(rest) == 1 else f'({rest} / {given})'
        total *= dim
    return total // given


@operator('Flatten', types=ANY)
def _flatten(node: Node) -> Any:
    rank = node.rank(0)
    axis = node.attr('axis', 1)
    axis = axis + rank if axis < 0 else axis
    if axis == 0:
        return mx.sym.reshape(node.sym(0), shape=(1, -1))
    if axis == 1:
        return mx.sym.reshape(node.sym(0), shape=(0, -1) if rank > 1 else (-1, 1))
    # What comes before the axis is merged two by two.
    symbol = node.sym(0)
    for _ in range(axis - 1):
        symbol = mx.sym.reshape(symbol, shape=(-3, -2))
    return mx.sym.reshape(symbol, shape=(0, -1))


@operator('Squeeze', types=ANY)
def _squeeze(node: Node) -> Any:
    axes, shape = numbers_or_attr(node, 1, 'axes', 13), node.shape(0)
    if axes is None:
        if any(isinstance(dim, str) for dim in shape):
            node.refuse('without axes, it needs to know every length')
        axes = tuple(axis for axis, dim in enumerate(shape) if dim == 1)
    axes = tuple(sorted({node.axis(axis, len(shape)) for axis in axes}))
    symbol, made = node.sym(0), node.outputs[0]
    left: Optional[Shape] = tuple(dim for axis, dim in enumerate(shape) if axis not in axes)
    if made is not None:
        made.shape = left
    if not left:
        return mx.sym.reshape(symbol, shape=(1,))
    for axis in reversed(axes):
        symbol = mx.sym.squeeze(symbol, axis=axis)
    return symbol


@operator('Unsqueeze', types=ANY)
def _unsqueeze(node: Node) -> Any:
    axes = numbers_or_attr(node, 1, 'axes', 13)
    assert axes is not None
    symbol, rank = node.sym(0), node.rank(0) + len(axes)
    axes = tuple(sorted(node.axis(axis, rank) for axis in axes))
    if node.rank(0) == 0:
        return mx.sym.reshape(symbol, shape=(1,) * rank)
    for axis in axes:
        symbol = mx.sym.expand_dims(symbol, axis=axis)
    return symbol
