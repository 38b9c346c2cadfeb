"""Activations beyond the plain functions."""

from __future__ import annotations

import math
from typing import Any

from mms.from_onnx.node import Node
from mms.from_onnx.operators.common import with_rank
from mms.from_onnx.table import NUMBERS, operator
from mms.mxnet_compat import mxnet as mx


@operator('Relu', types=NUMBERS)
def _relu(node: Node) -> Any:
    node.ignore('consumed_inputs')
    return mx.sym.relu(node.sym(0))


@operator('LeakyRelu')
def _leaky_relu(node: Node) -> Any:
    node.ignore('consumed_inputs')
    return mx.sym.LeakyReLU(node.sym(0), act_type='leaky', slope=node.attr('alpha', 0.01))


@operator('Elu')
def _elu(node: Node) -> Any:
    node.ignore('consumed_inputs')
    return _exponential(node.sym(0), node.attr('alpha', 1.0))


def _exponential(symbol: Any, alpha: float) -> Any:
    return mx.sym.LeakyReLU(symbol, act_type='elu', slope=alpha)


@operator('Selu')
def _selu(node: Node) -> Any:
    node.ignore('consumed_inputs')
    first = node.opset < 6
    alpha = node.attr('alpha', 1.6732 if first else 1.67326319217681884765625)
    gamma = node.attr('gamma', 1.0507 if first else 1.05070102214813232421875)
    return _exponential(node.sym(0), alpha) * gamma


@operator('Celu')
def _celu(node: Node) -> Any:
    alpha = node.attr('alpha', 1.0)
    return _exponential(node.sym(0) / alpha, 1.0) * alpha


@operator('PRelu')
def _prelu(node: Node) -> Any:
    node.ignore('consumed_inputs')
    symbol, slope, rank = node.sym(0), node.sym(1), node.rank(0)
    if node.opset < 7 and node.rank(1) == 1 and rank > 1:
        # One slope a channel; since opset 7 slopes are broadcast as anything is.
        slope = mx.sym.reshape(slope, shape=(1, -1) + (1,) * (rank - 2))
    else:
        slope = with_rank(slope, node.rank(1), rank)
    negative = mx.sym.broadcast_mul(mx.sym.relu(-symbol), slope)
    return mx.sym.broadcast_sub(mx.sym.relu(symbol), negative)


@operator('ThresholdedRelu')
def _thresholded_relu(node: Node) -> Any:
    symbol = node.sym(0)
    # A product with 0 would make infinities to what is no number.
    return mx.sym.where(symbol > node.attr('alpha', 1.0), symbol, mx.sym.zeros_like(symbol))


@operator('HardSigmoid')
def _hard_sigmoid(node: Node) -> Any:
    node.ignore('consumed_inputs')
    return _ramp(node.sym(0), node.attr('alpha', 0.2), node.attr('beta', 0.5))


def _ramp(symbol: Any, slope: float, offset: float) -> Any:
    return mx.sym.clip(symbol * slope + offset, a_min=0.0, a_max=1.0)


@operator('HardSwish')
def _hard_swish(node: Node) -> Any:
    return node.sym(0) * _ramp(node.sym(0), 1 / 6, 0.5)


@operator('Softplus')
def _softplus(node: Node) -> Any:
    return mx.sym.Activation(node.sym(0), act_type='softrelu')


@operator('Mish')
def _mish(node: Node) -> Any:
    return node.sym(0) * mx.sym.tanh(mx.sym.Activation(node.sym(0), act_type='softrelu'))


@operator('Swish')
def _swish(node: Node) -> Any:
    return node.sym(0) * mx.sym.sigmoid(node.sym(0) * node.attr('alpha', 1.0))


@operator('Gelu')
def _gelu(node: Node) -> Any:
    symbol = node.sym(0)
    if node.only('approximate', 'none', 'tanh') == 'none':
        return symbol * 0.5 * (mx.sym.erf(symbol / math.sqrt(2)) + 1)
    inner = (symbol + symbol * symbol * symbol * 0.044715) * math.sqrt(2 / math.pi)
    return symbol * 0.5 * (mx.sym.tanh(inner) + 1)


@operator('Shrink')
def _shrink(node: Node) -> Any:
    symbol, limit, bias = node.sym(0), node.attr('lambd', 0.5), node.attr('bias', 0.0)
    above = mx.sym.where(symbol > limit, symbol - bias, mx.sym.zeros_like(symbol))
    return mx.sym.where(symbol < -limit, symbol + bias, above)


@operator('Dropout', limits='passes its input on, as it does after training')
def _dropout(node: Node) -> Any:
    node.ignore('ratio', 'seed', 'consumed_inputs')
    if node.opset < 7 and not node.attr('is_test', 0):
        node.refuse('it is in training mode (is_test is 0): export the model for inference')
    if node.given(2) and node.constant(2, 'training_mode').any():
        node.refuse('it is in training mode: export the model for inference')
    node.only_outputs(1)
    return node.sym(0)
