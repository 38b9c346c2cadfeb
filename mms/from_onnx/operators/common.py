"""What several families of operators build from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from mms.from_onnx.node import Node
from mms.mxnet_compat import mxnet as mx


def with_rank(symbol: Any, rank: Optional[int], wanted: int) -> Any:
    """`symbol` of `rank` dimensions with dimensions of 1 in front, up to `wanted`."""
    # MXNet keeps a scalar as a list of one.
    for _ in range(wanted - max(rank if rank is not None else wanted, 1)):
        symbol = mx.sym.expand_dims(symbol, axis=0)
    return symbol


def aligned(node: Node, indices: Sequence[int]) -> list[Any]:
    """Symbols of inputs that are broadcast against each other, all of the same rank."""
    rank = max([node.rank(index) for index in indices], default=0)
    return [with_rank(node.sym(index), node.rank(index), rank) for index in indices]


def single_number(node: Node, index: int) -> Optional[float]:
    """The one number of a constant that adds no dimension to its neighbours' rank."""
    value = node.value(index)
    others = [tensor.shape for position, tensor in enumerate(node.inputs)
              if position != index and tensor is not None]
    if value is None or value.size != 1 or value.dtype.kind != 'f':
        return None
    if any(shape is None or len(shape) < value.ndim for shape in others):
        return None
    return float(value.reshape(-1)[0])


def as_bool(symbol: Any) -> Any:
    """What MXNet keeps truth values as."""
    return mx.sym.cast(symbol, dtype='float32')


def numbers_or_attr(node: Node, index: int, name: str, since: int) -> Optional[tuple[int, ...]]:
    """A list that was an attribute before opset `since` and is an input since then."""
    if node.opset < since:
        given = node.attr(name)
        return None if given is None else tuple(given)
    return node.numbers(index, name) if node.given(index) else None


def last_to(symbol: Any, axis: int, rank: int) -> Any:
    """`symbol` with its last dimension moved to `axis`."""
    order = list(range(rank - 1))
    order.insert(axis, rank - 1)
    return transposed(symbol, order)


def transposed(symbol: Any, order: Sequence[int]) -> Any:
    """`symbol` with its dimensions in another order, untouched if it is the same one."""
    order = list(order)
    return symbol if order == sorted(order) else mx.sym.transpose(symbol, axes=tuple(order))
