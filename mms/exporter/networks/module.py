"""A Module of MXNet, as it was trained."""

from __future__ import annotations

from typing import Any, Optional

from mms.errors import ExportError
from mms.exporter.networks.network import Network, Shapes, named


def network_of_module(module: Any, inputs: Optional[Shapes]) -> Network:
    """The network of a Module.

    Parameters
    ----------
    module : mxnet.mod.BaseModule
    inputs
        None for those that it was bound for, with any batch.

    Raises
    ------
    ExportError
        It has no symbol, or no parameters yet.
    """
    kind = type(module).__name__
    if not (module.binded and module.params_initialized):
        raise ExportError(f'the {kind} has no parameters yet: bind it, and call fit, init_params '
                          'or set_params')
    symbol = module.symbol
    if symbol is None:
        raise ExportError(f'the {kind} has no symbol: export the Modules in it')
    arguments, states = module.get_params()
    if inputs is None:
        inputs = {entry[0]: [0, *entry[1][1:]] for entry in module.data_shapes}
    return Network(symbol, named(symbol, {**arguments, **states}), inputs)
