"""Einsum of one or two operands, as transpositions, sums and one product of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mms.from_onnx.node import Node
from mms.from_onnx.operators.common import transposed
from mms.from_onnx.table import operator
from mms.from_onnx.tensor import Dim
from mms.mxnet_compat import mxnet as mx


@operator('Einsum', limits='one or two operands, without `...`, no letter twice in one operand')
def _einsum(node: Node) -> Any:
    terms, result = _parse(node)
    lengths: dict[str, Dim] = {}
    for index, term in enumerate(terms):
        lengths.update(zip(term, node.shape(index)))
    if len(terms) == 1:
        return _arranged(node.sym(0), terms[0], result)
    first, second = node.sym(0), node.sym(1)
    # What is in one operand only, and not in the result, is summed before the product.
    first, left = _summed(first, terms[0], set(terms[1]) | set(result))
    second, right = _summed(second, terms[1], set(terms[0]) | set(result))
    return _product(node, (first, second), (left, right), result, lengths)


def _parse(node: Node) -> tuple[list[str], str]:
    equation = node.attr('equation').replace(' ', '')
    operands, _, result = equation.partition('->')
    terms = operands.split(',')
    if '->' not in equation:
        result = ''.join(sorted(letter for letter in set(operands) - {','}
                                if operands.count(letter) == 1))
    if '.' in equation or len(terms) != len(node.inputs) or not 1 <= len(terms) <= 2 \
            or not result or any(len(set(term)) != len(term) or not term for term in terms):
        node.refuse(f'the equation {equation!r} is not one that is converted')
    return terms, result


def _summed(symbol: Any, term: str, kept: set[str]) -> tuple[Any, str]:
    axes = tuple(axis for axis, letter in enumerate(term) if letter not in kept)
    if not axes:
        return symbol, term
    return (mx.sym.sum(symbol, axis=axes, keepdims=False),
            ''.join(letter for letter in term if letter in kept))


def _arranged(symbol: Any, term: str, result: str) -> Any:
    symbol, term = _summed(symbol, term, set(result))
    return transposed(symbol, [term.index(letter) for letter in result])


def _product(node: Node, symbols: tuple[Any, Any], terms: tuple[str, str], result: str,
             lengths: dict[str, Dim]) -> Any:
    left, right = terms
    batch = [letter for letter in result if letter in left and letter in right]
    inner = [letter for letter in left if letter in right and letter not in result]
    rows = [letter for letter in left if letter not in right]
    columns = [letter for letter in right if letter not in left]
    first = _matrices(symbols[0], left, batch, rows, inner)
    second = _matrices(symbols[1], right, batch, inner, columns)
    product = mx.sym.batch_dot(first, second) if batch else mx.sym.dot(first, second)
    product = _unfolded(node, product, len(batch) + 1, columns, lengths)
    product = _unfolded(node, product, len(batch), rows, lengths)
    order = [*batch, *rows, *columns]
    return transposed(product, [order.index(letter) for letter in result])


def _matrices(symbol: Any, term: str, batch: Sequence[str], rows: Sequence[str],
              columns: Sequence[str]) -> Any:
    """`symbol` with the dimensions of `batch`, and then two more: rows and columns."""
    order = [term.index(letter) for letter in (*batch, *rows, *columns)]
    symbol = transposed(symbol, order)
    return _folded(_folded(symbol, len(batch), len(rows)), len(batch) + 1, len(columns))


def _folded(symbol: Any, axis: int, count: int) -> Any:
    """`count` dimensions from `axis` on as one."""
    if count == 0:
        return mx.sym.expand_dims(symbol, axis=axis)
    for _ in range(count - 1):
        symbol = mx.sym.reshape(symbol, shape=(*(0,) * axis, -3, -2))
    return symbol


def _unfolded(node: Node, symbol: Any, axis: int, letters: Sequence[str],
              lengths: dict[str, Dim]) -> Any:
    """The dimension at `axis` as those of `letters`."""
    if not letters:
        return mx.sym.squeeze(symbol, axis=axis)
    for position, letter in enumerate(letters[:-1]):
        length = lengths[letter]
        if isinstance(length, str):
            node.refuse(f'the length of {letter!r} is one that only a request tells')
        symbol = mx.sym.reshape(symbol, shape=(*(0,) * (axis + position), -4, length, -1, -2))
    return symbol
