"""Arithmetic, element by element."""

from __future__ import annotations

import functools
from typing import Any, Callable

import numpy as np

from mms.from_onnx.node import Node
from mms.from_onnx.operators.common import aligned, single_number, with_rank
from mms.from_onnx.table import FLOATS, NUMBERS, operator
from mms.mxnet_compat import mxnet as mx

_FIRST_NUMPY_OPSET = 7


def operands(node: Node) -> list[Any]:
    """Both inputs, ready to be broadcast; before opset 7 attributes said how."""
    if node.opset >= _FIRST_NUMPY_OPSET:
        return aligned(node, (0, 1))
    node.ignore('consumed_inputs')
    axis, is_broadcast = node.attr('axis'), node.attr('broadcast', 0)
    left, right, rank = node.sym(0), node.sym(1), node.rank(0)
    if not is_broadcast:
        return [left, right]
    start = rank - node.rank(1) if axis is None else node.axis(axis, rank)
    for _ in range(rank - start - node.rank(1) if node.rank(1) else 0):
        right = mx.sym.expand_dims(right, axis=-1)
    return [left, with_rank(right, rank - start, rank)]


def _binary(
    name: str, whole: Callable[..., Any], with_number: Callable[..., Any],
    from_number: Callable[..., Any], types: str = FLOATS
) -> None:
    @operator(name, types=types)
    def translate(node: Node) -> Any:
        if node.opset >= _FIRST_NUMPY_OPSET:
            right, left = single_number(node, 1), single_number(node, 0)
            if right is not None and node.value(0) is None:
                return with_number(node.sym(0), scalar=right)
            if left is not None and node.value(1) is None:
                return from_number(node.sym(1), scalar=left)
        return whole(*operands(node))


_internal = mx.sym._internal
_binary('Add', mx.sym.broadcast_add, _internal._plus_scalar, _internal._plus_scalar, NUMBERS)
_binary('Sub', mx.sym.broadcast_sub, _internal._minus_scalar, _internal._rminus_scalar, NUMBERS)
_binary('Mul', mx.sym.broadcast_mul, _internal._mul_scalar, _internal._mul_scalar, NUMBERS)


@operator('Div', types=NUMBERS, limits='whole numbers: by a constant without zeros')
def _div(node: Node) -> Any:
    if node.is_float(0):
        if node.opset >= _FIRST_NUMPY_OPSET and node.value(0) is None:
            number = single_number(node, 1)
            if number:
                return _internal._div_scalar(node.sym(0), scalar=number)
        return mx.sym.broadcast_div(*operands(node))
    if not node.constant(1, 'divisor').all():
        node.refuse('whole numbers are divided by 0')
    return mx.sym.broadcast_div(*operands(node))


@operator('Pow', types=FLOATS, limits='floating-point bases')
def _pow(node: Node) -> Any:
    base, exponent = operands(node)
    if node.dtype(1) != node.dtype(0):
        exponent = mx.sym.cast(exponent, dtype=node.physical(0))
    return mx.sym.broadcast_power(base, exponent)


@operator('Mod', types=NUMBERS)
def _mod(node: Node) -> Any:
    left, right = aligned(node, (0, 1))
    if not node.only('fmod', 0, 1):
        return mx.sym.broadcast_mod(left, right)
    # The rest has the sign of what is divided.
    rest = mx.sym.broadcast_mod(mx.sym.abs(left), mx.sym.abs(right))
    rest = mx.sym.broadcast_mul(mx.sym.sign(left), rest)
    if not node.is_float(0):
        return rest
    # By 0 it is no number, to MXNet it is 0.
    zero = mx.sym.zeros_like(right)
    return mx.sym.broadcast_add(rest, mx.sym.where(right == 0, zero / zero, zero))


def _variadic(name: str, pairwise: Callable[..., Any], types: str) -> None:
    @operator(name, types=types)
    def translate(node: Node) -> Any:
        node.ignore('consumed_inputs')
        symbols = aligned(node, range(len(node.inputs)))
        if len(symbols) == 1:
            return symbols[0]
        return functools.reduce(pairwise, symbols)


_variadic('Sum', mx.sym.broadcast_add, FLOATS)
_variadic('Max', mx.sym.broadcast_maximum, NUMBERS)
_variadic('Min', mx.sym.broadcast_minimum, NUMBERS)


@operator('Mean')
def _mean(node: Node) -> Any:
    node.ignore('consumed_inputs')
    symbols = aligned(node, range(len(node.inputs)))
    return functools.reduce(mx.sym.broadcast_add, symbols) / len(symbols)


def _unary(name: str, function: Callable[..., Any], types: str = FLOATS) -> None:
    @operator(name, types=types)
    def translate(node: Node) -> Any:
        node.ignore('consumed_inputs')
        return function(node.sym(0))


for _name, _function in {
    'Exp': mx.sym.exp, 'Log': mx.sym.log, 'Sqrt': mx.sym.sqrt, 'Reciprocal': mx.sym.reciprocal,
    'Floor': mx.sym.floor, 'Ceil': mx.sym.ceil, 'Sin': mx.sym.sin, 'Cos': mx.sym.cos,
    'Tan': mx.sym.tan, 'Asin': mx.sym.arcsin, 'Acos': mx.sym.arccos, 'Atan': mx.sym.arctan,
    'Sinh': mx.sym.sinh, 'Cosh': mx.sym.cosh, 'Asinh': mx.sym.arcsinh, 'Acosh': mx.sym.arccosh,
    'Atanh': mx.sym.arctanh, 'Erf': mx.sym.erf, 'Tanh': mx.sym.tanh,
    'Sigmoid': mx.sym.sigmoid, 'Softsign': mx.sym.softsign,
}.items():
    _unary(_name, _function)
for _name, _function in {
    'Abs': mx.sym.abs, 'Neg': mx.sym.negative,
}.items():
    _unary(_name, _function, NUMBERS)


@operator('Sign', types=NUMBERS)
def _sign(node: Node) -> Any:
    symbol = node.sym(0)
    # To MXNet, what is no number is 0.
    return mx.sym.where(symbol == symbol, mx.sym.sign(symbol), symbol)


@operator('Round')
def _round(node: Node) -> Any:
    """To the nearest, halves to the even one."""
    below = mx.sym.floor(node.sym(0))
    rest = node.sym(0) - below
    is_odd = mx.sym.broadcast_mod(below, mx.sym.ones_like(below) * 2)
    at_half = mx.sym.broadcast_mul(rest == 0.5, is_odd)
    rounded = below + mx.sym.broadcast_add(rest > 0.5, at_half)
    # Of an infinity, the rest is not a number.
    return mx.sym.where(rest == rest, rounded, below)


@operator('Clip', types=NUMBERS)
def _clip(node: Node) -> Any:
    if node.opset < 11:
        node.ignore('consumed_inputs')
        bounds = [node.attr('min'), node.attr('max')]
        return _between(node.sym(0), *(None if bound is None else np.float32(bound)
                                       for bound in bounds))
    symbol = node.sym(0)
    if all(not node.given(index) or node.value(index) is not None for index in (1, 2)):
        return _between(symbol, *(node.constant(index, 'bound').reshape(-1)[0]
                                  if node.given(index) else None for index in (1, 2)))
    if node.given(1):
        symbol = mx.sym.broadcast_maximum(symbol, with_rank(node.sym(1), 0, node.rank(0)))
    if node.given(2):
        symbol = mx.sym.broadcast_minimum(symbol, with_rank(node.sym(2), 0, node.rank(0)))
    return symbol


def _between(symbol: Any, low: Any, high: Any) -> Any:
    if low is not None and not np.isneginf(float(low)):
        symbol = _internal._maximum_scalar(symbol, scalar=float(low))
    if high is not None and not np.isposinf(float(high)):
        symbol = _internal._minimum_scalar(symbol, scalar=float(high))
    return symbol
