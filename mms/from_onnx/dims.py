"""Lists of lengths, followed through a graph where some of them only a request tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, Optional

from mms.from_onnx.node import Node
from mms.from_onnx.tensor import Dim, Shape, list_of

_Follow = Callable[[Node], Optional[Shape]]


def follow(node: Node) -> Optional[Shape]:
    """The list of lengths that a node makes of others, or None if it makes none."""
    if node.op == 'Shape':
        return _shape(node)
    lists = [None if tensor is None else list_of(tensor) for tensor in node.inputs]
    if node.op not in _RULES or not lists or (lists[0] is None and node.op != 'Where'):
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
        parts = [node.attr('starts'), node.attr('ends'), [1]]
    else:
        parts = [node.value(1), node.value(2), node.value(4) if node.given(4) else [1]]
    if numbers is None or any(part is None or len(part) != 1 for part in parts):
        return None
    start, end, step = (int(part[0]) for part in parts)
    return numbers[start:end:step]


def _arithmetic(sign: str, compute: Callable[[int, int], int]) -> _Follow:
    def one(a: Dim, b: Dim) -> Dim:
        if isinstance(a, int) and isinstance(b, int):
            return compute(a, b)
        if sign in '*/' and b == 1:
            return a
        return b if sign == '*' and a == 1 else f'({a} {sign} {b})'

    def rule(node: Node) -> Optional[Shape]:
        pairs = _side_by_side(_lists(node))
        if pairs is None or (sign == '/' and any(b == 0 for _, b in pairs)):
            return None
        return tuple(one(a, b) for a, b in pairs)

    return rule


def _side_by_side(lists: Sequence[Optional[Shape]]) -> Optional[list[tuple[Dim, ...]]]:
    """Lists broadcast against each other, or None if they do not go together."""
    known = [numbers for numbers in lists if numbers is not None]
    size = max(map(len, known), default=0)
    if len(known) < len(lists) or any(len(numbers) not in (1, size) for numbers in known):
        return None
    return list(zip(*(numbers if len(numbers) == size else numbers * size for numbers in known)))


def _equal(node: Node) -> Optional[Shape]:
    pairs = _side_by_side(_lists(node))
    answers = [_same(a, b) for a, b in pairs or ()]
    return None if pairs is None or None in answers else tuple(int(bool(one)) for one in answers)


def _same(a: Dim, b: Dim) -> Optional[bool]:
    """Whether both are equal, None if only a request tells."""
    if a == b:
        return True
    if isinstance(a, int) and isinstance(b, int):
        return False
    # A length is never below 0; one that is computed with a minus may be.
    number, name = (a, b) if isinstance(a, int) else (b, a)
    return False if isinstance(number, int) and number < 0 and '-' not in str(name) else None


def _where(node: Node) -> Optional[Shape]:
    condition = node.value(0)
    if condition is None or condition.ndim > 1:
        return None
    rows = _side_by_side([tuple(map(int, condition.reshape(-1))), *_lists(node)[1:]])
    return None if rows is None else tuple(a if chosen else b for chosen, a, b in rows)


def _truncated(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


_RULES: dict[str, _Follow] = {
    'Identity': _first, 'Cast': _cast, 'Squeeze': _reshape, 'Unsqueeze': _reshape,
    'Reshape': _reshape, 'Flatten': _reshape, 'Gather': _gather, 'Concat': _concat,
    'Slice': _slice, 'Equal': _equal, 'Where': _where,
    'Add': _arithmetic('+', lambda a, b: a + b), 'Sub': _arithmetic('-', lambda a, b: a - b),
    'Mul': _arithmetic('*', lambda a, b: a * b), 'Div': _arithmetic('/', _truncated),
}
