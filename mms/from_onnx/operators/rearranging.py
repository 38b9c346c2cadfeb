"""Elements in another order."""

from __future__ import annotations

from typing import Any

from mms.from_onnx.node import Node
from mms.from_onnx.operators.common import transposed
from mms.from_onnx.table import ANY, operator
from mms.mxnet_compat import mxnet as mx


@operator('Transpose', types=ANY)
def _transpose(node: Node) -> Any:
    order = node.attr('perm') or list(range(node.rank(0)))[::-1]
    if sorted(order) != list(range(node.rank(0))):
        node.refuse(f'perm {list(order)} does not name each of {node.rank(0)} dimensions once')
    return transposed(node.sym(0), order)


@operator('DepthToSpace', types=ANY)
def _depth_to_space(node: Node) -> Any:
    size = node.needed('blocksize')
    if node.only('mode', 'DCR', 'CRD') == 'DCR':
        return mx.sym.depth_to_space(node.sym(0), block_size=size)
    # N, C * b * b, H, W -> N, C, b, b, H, W -> N, C, H, b, W, b -> N, C, H * b, W * b
    symbol = mx.sym.reshape(node.sym(0), shape=(0, -4, -1, size * size, -2))
    symbol = mx.sym.reshape(symbol, shape=(0, 0, -4, size, size, -2))
    symbol = mx.sym.transpose(symbol, axes=(0, 1, 4, 2, 5, 3))
    return mx.sym.reshape(symbol, shape=(0, 0, -3, -3))


@operator('SpaceToDepth', types=ANY)
def _space_to_depth(node: Node) -> Any:
    return mx.sym.space_to_depth(node.sym(0), block_size=node.needed('blocksize'))
