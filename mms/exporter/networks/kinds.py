"""Which kinds of networks there are, and what makes one of each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Optional

from mms.errors import ExportError
from mms.exporter.networks.gluon import Untraceable, network_of_block
from mms.exporter.networks.module import network_of_module
from mms.exporter.networks.network import Network, checked_inputs, mxnet_here
from mms.exporter.networks.python_block import network_of_python
from mms.exporter.networks.symbols import Parameters, network_of_symbol


def is_block(model: Any) -> bool:
    """Whether it is a Gluon block."""
    return isinstance(model, mxnet_here().gluon.Block)


def network_of(model: Any, inputs: Optional[Mapping[str, Any]],
               parameters: Optional[Parameters]) -> Network:
    """The network of whatever holds one.

    Parameters
    ----------
    model
        A Gluon block, a Module, a symbol, or the path of a symbol file.
    inputs
        Name -> shape, or an array; None where a Module knows it.
    parameters
        Of a symbol.

    Raises
    ------
    ExportError
        It holds none, or one that cannot be exported.
    """
    mx = mxnet_here()
    is_symbol = isinstance(model, (mx.sym.Symbol, str, os.PathLike))
    if is_symbol and parameters is None:
        raise ExportError('a symbol needs params=, a dict of arrays or the path of a parameter '
                          'file')
    if not is_symbol and parameters is not None:
        raise ExportError(f'params= is for a symbol: a {type(model).__name__} has parameters of '
                          'its own')
    if is_block(model):
        shapes = checked_inputs(inputs)
        try:
            return network_of_block(model, shapes)
        except Untraceable as reason:
            if type(model).__module__.split('.')[0] == mx.__name__:
                raise
            return network_of_python(model, shapes, reason)
    if isinstance(model, mx.mod.BaseModule):
        return network_of_module(model, checked_inputs(inputs) if inputs else None)
    if is_symbol and parameters is not None:
        return network_of_symbol(model, parameters, checked_inputs(inputs))
    raise ExportError(f'{type(model).__name__} is no network that can be exported: give a Gluon '
                      'block, a Module, or a symbol with params=')
