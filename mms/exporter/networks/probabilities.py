"""Scores as probabilities: a softmax behind the outputs that have none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

from mms.exporter.networks.network import Network, mxnet_here

# What they give is a probability.
_GIVES_PROBABILITIES = frozenset({
    'softmax', '_npx_softmax', 'Softmax', 'SoftmaxOutput', 'SoftmaxActivation', 'softmin',
    'masked_softmax', '_npx_masked_softmax', 'sigmoid', '_npx_sigmoid', 'hard_sigmoid',
    'LogisticRegressionOutput'})
_ACTIVATIONS = frozenset({'Activation', '_npx_activation'})
# They leave values as they are.
_SAME_VALUES = frozenset({
    'Flatten', 'flatten', 'Reshape', 'reshape', '_np_reshape', '_npx_reshape', 'squeeze',
    '_np_squeeze', 'expand_dims', 'identity', '_copy', '_np_copy', 'BlockGrad', 'stop_gradient',
    'Cast', 'cast', 'amp_cast', 'slice', 'slice_axis'})
_CLASSES_AXIS = 1
_NAME = 'probabilities'


def with_probabilities(network: Network, wanted: Optional[bool] = None) -> Network:
    """The network with a softmax over the classes of each output.

    Parameters
    ----------
    wanted
        None for a softmax behind those outputs alone that do not come from one, from a sigmoid or
        from a loss that makes probabilities.
    """
    if network.symbol is None or wanted is False:
        return network
    made = [_softmax(output, f'{_NAME}{number or ""}')
            if wanted or not _is_probability(output) else output
            for number, output in enumerate(_outputs(network.symbol))]
    symbol = made[0] if len(made) == 1 else mxnet_here().sym.Group(
        made, create_fn=type(made[0]))
    return replace(network, symbol=symbol)


def _outputs(symbol: Any) -> list[Any]:
    """Each output as a symbol; one of NumPy does not give them."""
    if not isinstance(symbol, mxnet_here().sym.numpy._Symbol):
        return list(symbol)
    return [output.as_np_ndarray() for output in symbol.as_nd_ndarray()]


def _softmax(output: Any, name: str) -> Any:
    mx = mxnet_here()
    if isinstance(output, mx.sym.numpy._Symbol):
        return mx.sym.npx.softmax(output, axis=_CLASSES_AXIS, name=name)
    return mx.sym.softmax(output, axis=_CLASSES_AXIS, name=name)


def _is_probability(output: Any) -> bool:
    graph = json.loads(output.tojson())
    nodes, number = graph['nodes'], graph['heads'][0][0]
    while nodes[number]['op'] in _SAME_VALUES:
        number = nodes[number]['inputs'][0][0]
    return nodes[number]['op'] in _GIVES_PROBABILITIES or (
        nodes[number]['op'] in _ACTIVATIONS and _act_type(nodes[number]) == 'sigmoid')


def _act_type(node: Mapping[str, Any]) -> str:
    return str(node.get('attrs', {}).get('act_type', ''))
