"""Lists of lengths, followed through a graph where some of them only a request tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, Optional

import numpy as np

from mms.from_onnx.node import Node
from mms.from_onnx.tensor import Dim, Shape, list_of

_Follow = Callable[[Node], Optional[Shape]]


def follow(node: Node) -> Optional[Shape]:
    """The list of lengths that a node makes of others, or None if it makes none."""
    if node.op == 'Shape':
        return _shape(node)
    lists = [None if tensor is None else list_of(tensor) for tensor in node.inputs]
    if node.op not in _RULES or not lists or lists[0] is None:
        return None
    return _RULES[node.op](node)


def _shape(node: Node) -> Optional[Shape]:
    shape = node.tensor(0).shape
    return None if shape is None else shape[node.attr('start', 0):node.attr('end')]


def _lists(node: Node) -> list[Optional[Shape]]:
    return [None if tensor is None else list_of(tensor) for tensor in node.inputs]


def _first(node: Node) -> Optional[Shape]:
    return _lists(node)[0]


def _cast(node: Node) -> Optional[Shape]:
    # Lengths that became fractions are no lengths any more.
    made = node.outputs[0]
    is_whole = made is not None and made.dtype is not None and made.dtype.kind in 'iu'
    return _first(node) if is_whole else None


def _reshape(node: Node) -> Optional[Shape]:
    made = node.outputs[0]
    flat = made is not None and made.shape is not None and len(made.shape) <= 1
    return _first(node) if flat else None


def _gather(node: Node) -> Optional[Shape]:
    numbers, indices = _lists(node)[0], node.value(1)
    if numbers is None or indices is None or indices.ndim > 1:
        return None
    wanted = [int(index) for index in indices.reshape(-1)]
    if any(not -len(numbers) <= index < len(numbers) for index in wanted):
        return None
    return tuple(numbers[index] for index in wanted)


def _concat(node: Node) -> Optional[Shape]:
    lists = _lists(node)
    if any(numbers is None for numbers in lists):
        return None
    return tuple(number for numbers in lists for number in numbers or ())


def _slice(node: Node) -> Optional[Shape]:
    numbers = _lists(node)[0]
    if node.opset < 10:
        start, end, step = node.attr('starts')[0], node.attr('ends')[0], 1
    else:
        parts = [node.value(index) for index in (1, 2)]
        steps = node.value(4) if node.given(4) else np.ones(1)
        if any(part is None for part in (*parts, steps)):
            return None
        start, end, step = (int(part[0]) for part in (*parts, steps))  # type: ignore[index]
    return None if numbers is None else numbers[start:end:step]


def _arithmetic(sign: str, compute: Callable[[int, int], int]) -> _Follow:
    def one(a: Dim, b: Dim) -> Dim:
        if isinstance(a, int) and isinstance(b, int):
            return compute(a, b)
        if sign in '*/' and b == 1:
            return a
        return b if sign == '*' and a == 1 else f'({a} {sign} {b})'

    def rule(node: Node) -> Optional[Shape]:
        left, right = _lists(node)
        if left is None or right is None or (1 not in (len(left), len(right))
                                             and len(left) != len(right)):
            return None
        if sign == '/' and 0 in right:
            return None
        size = max(len(left), len(right))
        return tuple(one(a, b) for a, b in zip(_spread(left, size), _spread(right, size)))

    return rule


def _spread(numbers: Sequence[Dim], size: int) -> Sequence[Dim]:
    return numbers if len(numbers) == size else list(numbers) * size


def _truncated(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


_RULES: dict[str, _Follow] = {
    'Identity': _first, 'Cast': _cast, 'Squeeze': _reshape, 'Unsqueeze': _reshape,
    'Reshape': _reshape, 'Flatten': _reshape, 'Gather': _gather, 'Concat': _concat,
    'Slice': _slice,
    'Add': _arithmetic('+', lambda a, b: a + b), 'Sub': _arithmetic('-', lambda a, b: a - b),
    'Mul': _arithmetic('*', lambda a, b: a * b), 'Div': _arithmetic('/', _truncated),
}
