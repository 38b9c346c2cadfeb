"""Comparisons, logic and choices."""

from __future__ import annotations

from typing import Any, Callable

from mms.from_onnx.node import Node
from mms.from_onnx.operators.common import aligned, as_bool
from mms.from_onnx.operators.elementwise import operands
from mms.from_onnx.operators.expanding import spread_to
from mms.from_onnx.table import ANY, FLOATS, operator
from mms.mxnet_compat import mxnet as mx


def _comparison(name: str, function: Callable[..., Any], types: str = ANY) -> None:
    @operator(name, types=types)
    def translate(node: Node) -> Any:
        return as_bool(function(*operands(node)))


_comparison('Equal', mx.sym.broadcast_equal)
_comparison('Greater', mx.sym.broadcast_greater)
_comparison('GreaterOrEqual', mx.sym.broadcast_greater_equal)
_comparison('Less', mx.sym.broadcast_lesser)
_comparison('LessOrEqual', mx.sym.broadcast_lesser_equal)
_comparison('And', mx.sym.broadcast_logical_and, 'bool')
_comparison('Or', mx.sym.broadcast_logical_or, 'bool')
_comparison('Xor', mx.sym.broadcast_logical_xor, 'bool')


@operator('Not', types='bool')
def _not(node: Node) -> Any:
    return mx.sym.logical_not(node.sym(0))


@operator('IsNaN', types=FLOATS)
def _is_nan(node: Node) -> Any:
    return as_bool(mx.sym.broadcast_not_equal(node.sym(0), node.sym(0)))


@operator('IsInf', types=FLOATS)
def _is_inf(node: Node) -> Any:
    symbol, infinity = node.sym(0), float('inf')
    positive, negative = symbol == infinity, symbol == -infinity
    if not node.attr('detect_positive', 1):
        positive = mx.sym.zeros_like(symbol)
    if not node.attr('detect_negative', 1):
        negative = mx.sym.zeros_like(symbol)
    return as_bool(mx.sym.broadcast_add(positive, negative))


@operator('Where', types='bool')
def _where(node: Node) -> Any:
    made = node.outputs[0]
    shapes = [node.shape(index) for index in range(3)]
    symbols = aligned(node, (0, 1, 2))
    if len(set(shapes)) > 1:
        assert made is not None
        symbols = [symbol if shape == made.shape else spread_to(symbol, symbols)
                   for symbol, shape in zip(symbols, shapes)]
    return mx.sym.where(*symbols)
