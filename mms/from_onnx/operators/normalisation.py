"""Normalisation by a batch, a picture, a layer or its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mms.from_onnx.node import Node
from mms.from_onnx.operators.common import with_rank
from mms.from_onnx.table import operator
from mms.mxnet_compat import mxnet as mx


@operator('BatchNormalization', limits='as it is after training')
def _batch_norm(node: Node) -> Any:
    node.ignore('momentum', 'consumed_inputs')
    if (node.opset < 7 and not node.attr('is_test', 0)) or node.attr('training_mode', 0):
        node.refuse('it is in training mode: export the model for inference')
    if node.opset < 9:
        node.only('spatial', 1)
    node.only_outputs(1)
    epsilon = node.attr('epsilon', 1e-5)
    mean, variance = node.value(3), node.value(4)
    if mean is None or variance is None:
        return _by_hand(node, epsilon)
    states = [node.parameters.add_state(node.tensor(index).name, value)
              for index, value in ((3, mean), (4, variance))]
    return mx.sym.BatchNorm(node.sym(0), node.sym(1), node.sym(2), *states, eps=epsilon,
                            fix_gamma=False, use_global_stats=True)


def _by_hand(node: Node, epsilon: float) -> Any:
    shape = (1, -1) + (1,) * (node.rank(0) - 2)
    gamma, beta, mean, variance = (mx.sym.reshape(node.sym(index), shape=shape)
                                   for index in range(1, 5))
    scale = mx.sym.broadcast_div(gamma, mx.sym.sqrt(variance + epsilon))
    centred = mx.sym.broadcast_sub(node.sym(0), mean)
    return mx.sym.broadcast_add(mx.sym.broadcast_mul(centred, scale), beta)


@operator('InstanceNormalization')
def _instance_norm(node: Node) -> Any:
    node.ignore('consumed_inputs')
    return mx.sym.InstanceNorm(node.sym(0), node.sym(1), node.sym(2),
                               eps=node.attr('epsilon', 1e-5))


def _standard(symbol: Any, axes: Sequence[int], epsilon: float) -> Any:
    """`symbol` with mean 0 and variance 1 over `axes`."""
    centred = mx.sym.broadcast_sub(symbol, mx.sym.mean(symbol, axis=tuple(axes), keepdims=True))
    variance = mx.sym.mean(mx.sym.square(centred), axis=tuple(axes), keepdims=True)
    return mx.sym.broadcast_div(centred, mx.sym.sqrt(variance + epsilon))


def _scaled(node: Node, symbol: Any, rank: int) -> Any:
    symbol = mx.sym.broadcast_mul(symbol, with_rank(node.sym(1), node.rank(1), rank))
    if node.given(2):
        symbol = mx.sym.broadcast_add(symbol, with_rank(node.sym(2), node.rank(2), rank))
    return symbol


@operator('LayerNormalization', limits='`stash_type` 1')
def _layer_norm(node: Node) -> Any:
    node.only('stash_type', 1)
    rank, epsilon = node.rank(0), node.attr('epsilon', 1e-5)
    axis = node.axis(node.attr('axis', -1), rank)
    if node.wants(1) or node.wants(2):
        return _with_statistics(node, tuple(range(axis, rank)), epsilon)
    if axis == rank - 1 and node.rank(1) == 1 and node.given(2) and node.rank(2) == 1 \
            and node.shape(1)[0] == node.shape(0)[-1] == node.shape(2)[0]:
        return mx.sym.LayerNorm(node.sym(0), node.sym(1), node.sym(2), axis=-1, eps=epsilon)
    return _scaled(node, _standard(node.sym(0), range(axis, rank), epsilon), rank)


def _with_statistics(node: Node, axes: tuple[int, ...], epsilon: float) -> list[Any]:
    """The output, the mean and one over the deviation."""
    mean = mx.sym.mean(node.sym(0), axis=axes, keepdims=True)
    centred = mx.sym.broadcast_sub(node.sym(0), mean)
    variance = mx.sym.mean(mx.sym.square(centred), axis=axes, keepdims=True)
    inverse = mx.sym.rsqrt(variance + epsilon)
    normal = mx.sym.broadcast_mul(centred, inverse)
    return [_scaled(node, normal, node.rank(0)), mean, inverse]


@operator('RMSNormalization', limits='`stash_type` 1')
def _rms_norm(node: Node) -> Any:
    node.only('stash_type', 1)
    rank = node.rank(0)
    axes = tuple(range(node.axis(node.attr('axis', -1), rank), rank))
    squares = mx.sym.mean(mx.sym.square(node.sym(0)), axis=axes, keepdims=True)
    root = mx.sym.sqrt(squares + node.attr('epsilon', 1e-5))
    return _scaled(node, mx.sym.broadcast_div(node.sym(0), root), rank)


@operator('GroupNormalization', limits='`stash_type` 1; needs the number of channels')
def _group_norm(node: Node) -> Any:
    node.only('stash_type', 1)
    groups, rank = node.attr('num_groups'), node.rank(0)
    grouped = mx.sym.reshape(node.sym(0), shape=(0, groups, -1))
    symbol = mx.sym.reshape_like(_standard(grouped, (2,), node.attr('epsilon', 1e-5)), node.sym(0))
    scale, bias = node.sym(1), node.sym(2)
    if node.opset < 21:  # one number a group, not a channel
        size = node.length(0, 1) // groups
        scale, bias = (mx.sym.repeat(one, repeats=size, axis=0) for one in (scale, bias))
    shape = (1, -1) + (1,) * (rank - 2)
    symbol = mx.sym.broadcast_mul(symbol, mx.sym.reshape(scale, shape=shape))
    return mx.sym.broadcast_add(symbol, mx.sym.reshape(bias, shape=shape))


@operator('MeanVarianceNormalization')
def _mean_variance_norm(node: Node) -> Any:
    axes = [node.axis(axis, node.rank(0)) for axis in node.attr('axes', [0, 2, 3])]
    symbol = node.sym(0)
    centred = mx.sym.broadcast_sub(symbol, mx.sym.mean(symbol, axis=tuple(axes), keepdims=True))
    variance = mx.sym.mean(mx.sym.square(centred), axis=tuple(axes), keepdims=True)
    return mx.sym.broadcast_div(centred, mx.sym.sqrt(variance) + 1e-9)


@operator('LpNormalization', limits='p of 1 or 2')
def _lp_norm(node: Node) -> Any:
    axis = node.axis(node.attr('axis', -1), node.rank(0))
    if node.only('p', 2, 1) == 2:
        size = mx.sym.sqrt(mx.sym.sum(mx.sym.square(node.sym(0)), axis=axis, keepdims=True))
    else:
        size = mx.sym.sum(mx.sym.abs(node.sym(0)), axis=axis, keepdims=True)
    # A vector of zeros stays one.
    return mx.sym.broadcast_div(node.sym(0), size + (size == 0))


@operator('LRN', limits='an odd `size`, over the channels of pictures')
def _lrn(node: Node) -> Any:
    size = node.attr('size')
    if size % 2 == 0 or node.rank(0) != 4:
        node.refuse(f'MXNet has it for an odd size and rank 4, not for {size} and {node.rank(0)}')
    return mx.sym.LRN(node.sym(0), nsize=size, alpha=node.attr('alpha', 1e-4),
                      beta=node.attr('beta', 0.75), knorm=node.attr('bias', 1.0))


