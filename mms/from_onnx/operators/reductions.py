"""Many elements become one."""

from __future__ import annotations

from typing import Any, Callable, Optional

from mms.from_onnx.node import Node
from mms.from_onnx.table import FLOATS, operator
from mms.mxnet_compat import mxnet as mx

_WITH_WHOLE = f'{FLOATS} int32 int64'

_Reduce = Callable[..., Any]


def _axes(node: Node, since: int) -> Optional[tuple[int, ...]]:
    """Those that are reduced; None is all of them."""
    if node.opset < since:
        given = node.attr('axes')
    else:
        given = node.numbers(1, 'axes') if node.given(1) else None
        if node.attr('noop_with_empty_axes', 0) and not given:
            node.refuse('with no axes it leaves its input as it is, which is not converted')
    if not given:
        return None
    return tuple(sorted(node.axis(axis, node.rank(0)) for axis in given))


def _reduction(
    name: str, since: int, reduce: Callable[[Any, _Reduce], Any], types: str = FLOATS
) -> None:
    """Put one into the table; from opset `since` on, its axes are an input."""

    @operator(name, types=types)
    def translate(node: Node) -> Any:
        axes, keep = _axes(node, since), bool(node.attr('keepdims', 1))
        where: dict[str, Any] = {'keepdims': keep}
        if axes is not None:
            where['axis'] = axes

        def over(function: Callable[..., Any], symbol: Any) -> Any:
            return function(symbol, **where)

        if node.rank(0) == 0:
            node.refuse('its input is a scalar')
        if node.physical(0) != 'int32':
            return reduce(node.sym(0), over)
        # MXNet cannot reduce int32 in every way.
        wide = reduce(mx.sym.cast(node.sym(0), dtype='int64'), over)
        return mx.sym.cast(wide, dtype='int32')


_reduction('ReduceSum', 13, lambda symbol, over: over(mx.sym.sum, symbol), _WITH_WHOLE)
_reduction('ReduceMean', 18, lambda symbol, over: over(mx.sym.mean, symbol))
_reduction('ReduceMax', 18, lambda symbol, over: over(mx.sym.max, symbol), _WITH_WHOLE)
_reduction('ReduceMin', 18, lambda symbol, over: over(mx.sym.min, symbol), _WITH_WHOLE)
_reduction('ReduceProd', 18, lambda symbol, over: over(mx.sym.prod, symbol), _WITH_WHOLE)
_reduction('ReduceL1', 18, lambda symbol, over: over(mx.sym.sum, mx.sym.abs(symbol)))
_reduction('ReduceL2', 18, lambda symbol, over: mx.sym.sqrt(
    over(mx.sym.sum, mx.sym.square(symbol))))
_reduction('ReduceLogSum', 18, lambda symbol, over: mx.sym.log(over(mx.sym.sum, symbol)))
_reduction('ReduceSumSquare', 18, lambda symbol, over: over(mx.sym.sum, mx.sym.square(symbol)))


@operator('ReduceLogSumExp')
def _log_sum_exp(node: Node) -> Any:
    axes, keep = _axes(node, 18), bool(node.attr('keepdims', 1))
    axes = axes or tuple(range(node.rank(0)))
    # The largest is taken out of the sum, so that no exponential overflows.
    largest = mx.sym.max(node.sym(0), axis=axes, keepdims=True)
    is_finite = mx.sym.abs(largest) < float('inf')
    largest = mx.sym.where(is_finite, largest, mx.sym.zeros_like(largest))
    rest = mx.sym.exp(mx.sym.broadcast_sub(node.sym(0), largest))
    total = mx.sym.log(mx.sym.sum(rest, axis=axes, keepdims=True)) + largest
    return total if keep else mx.sym.sum(total, axis=axes, keepdims=False)
