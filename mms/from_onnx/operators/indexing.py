"""Elements chosen by their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from mms.from_onnx.node import Node
from mms.from_onnx.numpy_types import Array
from mms.from_onnx.operators.common import last_to, transposed, with_rank
from mms.from_onnx.table import ANY, operator
from mms.mxnet_compat import mxnet as mx


@operator('Gather', types=ANY)
def _gather(node: Node) -> Any:
    axis = node.axis(node.attr('axis', 0), node.rank(0))
    indices = node.value(1)
    if indices is not None:
        return _gather_known(node, axis, indices)
    chosen = node.sym(1)
    length = node.shape(0)[axis]
    if isinstance(length, str):
        node.refuse(f'it needs the length of dimension {axis} of {node.tensor(0).name!r}, which '
                    'only a request tells')
    # Numbers below 0 count from the end.
    chosen = chosen + (chosen < 0) * length
    taken = mx.sym.take(node.sym(0), chosen, axis=axis, mode='clip')
    if node.rank(1):
        return taken
    return _without(taken, axis, node.rank(0))


def _gather_known(node: Node, axis: int, indices: Array) -> Any:
    rank, length = node.rank(0), node.shape(0)[axis]
    if indices.ndim == 0:
        index = int(indices)
        part = mx.sym.slice_axis(node.sym(0), axis=axis, begin=index,
                                 end=None if index == -1 else index + 1)
        return _without(part, axis, rank)
    if (indices < 0).any():
        if isinstance(length, str):
            node.refuse(f'it counts from the end of dimension {axis}, whose length only a '
                        'request tells')
        indices = np.where(indices < 0, indices + length, indices)
    return mx.sym.take(node.sym(0), node.param('indices', indices.astype(np.int32)), axis=axis,
                       mode='clip')


def _without(symbol: Any, axis: int, rank: int) -> Any:
    if rank == 1:
        return mx.sym.reshape(symbol, shape=(1,))
    return mx.sym.squeeze(symbol, axis=axis)


@operator('GatherND', types=ANY, limits='no `batch_dims`')
def _gather_nd(node: Node) -> Any:
    node.only('batch_dims', 0)
    depth = node.shape(1)[-1]
    if not isinstance(depth, int):
        node.refuse('how many numbers make an index is not known')
    chosen = mx.sym.cast(node.sym(1), dtype='int64')
    # Numbers below 0 count from the end; MXNet wants one row a dimension.
    lengths = node.param('lengths', np.array(
        [node.length(0, axis, 'counting from the end') for axis in range(depth)]))
    below = mx.sym.broadcast_lesser(chosen, mx.sym.zeros_like(chosen))
    chosen = chosen + mx.sym.broadcast_mul(
        below, with_rank(lengths, 1, node.rank(1)))
    order = [node.rank(1) - 1, *range(node.rank(1) - 1)]
    if node.rank(1) == 1:
        picked = mx.sym.gather_nd(node.sym(0), mx.sym.expand_dims(chosen, axis=1))
        return picked if depth == node.rank(0) else mx.sym.squeeze(picked, axis=0)
    return mx.sym.gather_nd(node.sym(0), transposed(chosen, order))


@operator('Range', types='int64', limits='computed: from 0 to a length of the request')
def _range(node: Node) -> Any:
    (limit,) = node.lengths(1, 'limit')
    start = node.numbers(0, 'start')[0]
    if not isinstance(limit, str) or node.numbers(2, 'delta') != (1,) or start:
        node.refuse('it does not count from 0 to a length of the request')
    source, axis = node.input_of_length(limit)
    made = node.outputs[0]
    assert made is not None
    made.shape = (limit,)
    return mx.sym.cast(mx.sym.contrib.arange_like(source, axis=axis), dtype='int64')


@operator('OneHot', types=ANY, limits='a constant depth')
def _one_hot(node: Node) -> Any:
    depth = int(node.constant(1, 'depth').reshape(-1)[0])
    off, on = (node.constant(2, 'values')[position] for position in (0, 1))
    rank = node.rank(0) + 1
    axis = node.axis(node.attr('axis', -1), rank)
    chosen = mx.sym.cast(node.sym(0), dtype='int64')
    # Numbers below 0 count from the end; those out of range switch nothing on.
    chosen = chosen + (chosen < 0) * depth
    hot = mx.sym.one_hot(chosen, depth=depth, on_value=float(on), off_value=float(off),
                         dtype=node.physical(2))
    if node.rank(0) == 0:
        return mx.sym.reshape(hot, shape=(-1,))
    return last_to(hot, axis, rank)


@operator('Trilu', types=ANY, limits='needs the lengths of its last two dimensions')
def _trilu(node: Node) -> Any:
    shape = tuple(node.length(0, axis) for axis in (-2, -1))
    offset = int(node.constant(1, 'k').reshape(-1)[0]) if node.given(1) else 0
    keep = np.ones(shape, np.float32)
    keep = np.triu(keep, offset) if node.attr('upper', 1) else np.tril(keep, offset)
    keep = keep.reshape((1,) * (node.rank(0) - 2) + shape)
    mask = mx.sym.broadcast_like(node.param('kept', keep), node.sym(0))
    return mx.sym.where(mask, node.sym(0), mx.sym.zeros_like(node.sym(0)))
