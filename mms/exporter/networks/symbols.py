"""A symbol and its parameters, in memory or in files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Union

from mms.errors import ExportError
from mms.exporter.networks.network import Network, Shapes, mxnet_here, named

# Parameters: name -> array, pairs of such mappings as Module.get_params returns, or a file.
Parameters = Union[Mapping[str, Any], tuple[Mapping[str, Any], Mapping[str, Any]], str,
                   'os.PathLike[str]']


def network_of_symbol(symbol: Any, parameters: Parameters, inputs: Shapes) -> Network:
    """The network of a symbol.

    Parameters
    ----------
    symbol
        A ``mxnet.sym.Symbol``, or the path of a symbol file.
    parameters
        Names may begin with ``arg:`` or ``aux:``. Those that the symbol does not have are left.

    Raises
    ------
    ExportError
        A file cannot be read, or a parameter is missing.
    """
    mx = mxnet_here()
    if not isinstance(symbol, mx.sym.Symbol):
        symbol = _loaded(mx.sym.load, symbol, 'a symbol file')
    arrays = _arrays(parameters)
    # Labels need no value, nor do states that begin with zeros: the trial knows which those are.
    return Network(symbol, named(symbol, arrays), inputs)


def _arrays(parameters: Parameters) -> dict[str, Any]:
    if isinstance(parameters, (str, os.PathLike)):
        parameters = _loaded(mxnet_here().nd.load, parameters, 'a parameter file')
    parts: Any = parameters if isinstance(parameters, (tuple, list)) else (parameters,)
    if not all(isinstance(part, Mapping) for part in parts):
        raise ExportError('params= has to be a dict of arrays, the pair that get_params() returns, '
                          'or the path of a parameter file')
    return {name.removeprefix('arg:').removeprefix('aux:'): array
            for part in parts for name, array in part.items()}


def _loaded(load: Any, path: Any, what: str) -> Any:
    path = os.path.expanduser(os.fspath(path))
    if not os.path.isfile(path):
        raise ExportError(f'{path}: there is no such file')
    try:
        return load(path)
    except Exception as error:
        raise ExportError(f'{path} is not {what} that MXNet reads') from error
