"""Convert an ONNX model to a symbol and parameters of MXNet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mms.errors import ExportError
from mms.from_onnx.graph import Graph
from mms.from_onnx.model_file import opsets_of, read_model
from mms.from_onnx.numpy_types import DType
from mms.from_onnx.tensor import Tensor
from mms.mxnet_compat import mxnet as mx

# In place of lengths that a request tells: so many of these must do.
_ENOUGH = 2
_LIKELY_LENGTHS = (2, 3, 1, 8, 16, 32, 64, 128, 224, 256, 299, 384, 512)


class ConvertedModel(NamedTuple):
    """What a Module is made of.

    Attributes
    ----------
    symbol : mxnet.sym.Symbol
    arg_params, aux_params : dict
        Name -> NDArray.
    inputs
        Name, shape and element type in the ONNX model of each input that the
        outputs depend on; 0 is a length that only a request tells.
    outputs
        Name and shape of each output.
    """

    symbol: Any
    arg_params: dict[str, Any]
    aux_params: dict[str, Any]
    inputs: list[tuple[str, tuple[int, ...], DType]]
    outputs: list[tuple[str, tuple[int, ...]]]

    def save(self, prefix: str) -> None:
        """Write ``PREFIX-symbol.json`` and ``PREFIX-0000.params``."""
        self.symbol.save(f'{prefix}-symbol.json')
        mx.nd.save(f'{prefix}-0000.params', {
            **{f'arg:{name}': array for name, array in self.arg_params.items()},
            **{f'aux:{name}': array for name, array in self.aux_params.items()}})


def convert(path: str) -> ConvertedModel:
    """Convert the model in a file.

    Parameters
    ----------
    path
        The ``.onnx`` file; data that it keeps in other files lies beside it.

    Raises
    ------
    ExportError
        The file is broken, or holds what has no exact counterpart in MXNet; the
        message names the operator, the node and the opset.
    """
    model = read_model(path)
    graph = Graph(model.graph, opsets_of(model), os.path.basename(path))
    outputs = graph.translate()
    symbol = mx.sym.Group([tensor.symbol for tensor in outputs])
    used = set(symbol.list_inputs())
    inputs = [tensor for tensor in graph.inputs if tensor.name in used]
    _check_shapes(symbol, graph, outputs, path)
    args, aux = graph.parameters.args, graph.parameters.aux
    return ConvertedModel(
        symbol, {name: args[name] for name in args if name in used},
        {name: aux[name] for name in aux if name in used},
        [(tensor.name, _numbers(tensor), np.dtype(tensor.dtype)) for tensor in inputs],
        [(tensor.name, _numbers(tensor)) for tensor in outputs])


def _numbers(tensor: Tensor) -> tuple[int, ...]:
    return tuple(dim if isinstance(dim, int) else 0 for dim in tensor.shape or ())


def _check_shapes(symbol: Any, graph: Graph, outputs: list[Tensor], path: str) -> None:
    """See that MXNet takes the network, and comes to the shapes that ONNX's rules give.

    Raises
    ------
    ExportError
        It does not, or at one length alone where any is allowed.
    """
    made = [*outputs, *(tensor for tensor in graph.tensors.values() if _is_computed(tensor))]
    whole = mx.sym.Group([tensor.symbol for tensor in made])
    fitting, refusals = [], []
    for length in _LIKELY_LENGTHS:
        try:
            _check_made(made, _shapes(whole, graph.inputs, length, length), length, path)
        except mx.base.MXNetError as exc:
            reason = str(exc).strip().splitlines()[-1]
            refusals.append(ExportError(
                f'{path}: MXNet does not take the converted network: {reason}'))
        except ExportError as exc:
            refusals.append(exc)
        else:
            fitting.append(length)
        if len(fitting) == _ENOUGH:
            return
    if not fitting:
        raise refusals[0]
    _check_batch(whole, graph.inputs, fitting[0], path)


def _is_computed(tensor: Tensor) -> bool:
    return tensor.symbol is not None and tensor.shape is not None and tensor.value is None


def _check_batch(whole: Any, inputs: list[Tensor], length: int, path: str) -> None:
    """Where pictures have one size only, at least their number has to be free."""
    try:
        if length == 1:
            raise mx.base.MXNetError
        _shapes(whole, inputs, length, length + 1)
    except mx.base.MXNetError:
        raise ExportError(f'{path}: MXNet takes the converted network only where each length that '
                          f'the model leaves open is {length}') from None


def _shapes(whole: Any, inputs: list[Tensor], length: int, first: int) -> Sequence[Any]:
    arguments = set(whole.list_inputs())
    _, found, _ = whole.infer_shape(**{tensor.name: _filled(tensor, length, first)
                                       for tensor in inputs if tensor.name in arguments})
    return found or ()


def _check_made(made: list[Tensor], found: Sequence[Any], length: int, path: str) -> None:
    for tensor, shape in zip(made, found):
        wanted = _filled(tensor, length, length)
        known = [isinstance(dim, int) for dim in tensor.shape or (1,)]
        if len(wanted) != len(shape) or any(
                sure and dim != size for sure, dim, size in zip(known, wanted, shape)):
            raise ExportError(f'{path}: {tensor.name!r} has the shape {wanted} in ONNX and '
                              f'{tuple(shape)} in MXNet, so the model cannot be converted')


def _filled(tensor: Tensor, length: int, first: int) -> tuple[int, ...]:
    """A shape that a request may have; MXNet keeps a scalar as a list of one."""
    return tuple(dim if isinstance(dim, int) else length if axis else first
                 for axis, dim in enumerate(tensor.shape or ())) or (1,)
