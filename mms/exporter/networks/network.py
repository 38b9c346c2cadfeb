"""A network as its symbol and its arrays, and how it is written."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Optional

from mms import mxnet_compat
from mms.errors import ExportError
from mms.mxnet_engine.reasons import operator_reason

Shapes = Mapping[str, Sequence[int]]

_ARG, _AUX = 'arg:', 'aux:'
# How the names of outputs end in MXNet.
_OUTPUT_SUFFIX = '_output'
# In a shape, a length that only a request tells.
_ANY = 0
# A length of a batch, to be told from another by what becomes of it.
_BATCHES = (1, 2)
_GIVE = 'give whole numbers, the batch first, and 0 for any length'


@dataclass(frozen=True)
class Network:
    """What is written of a network.

    Attributes
    ----------
    symbol : mxnet.sym.Symbol or None
        None where the network is Python, and a service file builds it.
    arrays
        Name -> NDArray on the CPU; of a symbol's, a name begins with ``arg:`` or ``aux:``.
    inputs
        Name -> shape, of which the first length is the batch; 0 for any length.
    python_outputs
        Name and shape of each output, where there is no symbol that tells.
    service
        Text of the service file that builds the network, by whether the answer names classes, and
        whether it wants a softmax (None to find out).
    """

    symbol: Optional[Any]
    arrays: Mapping[str, Any]
    inputs: Shapes
    python_outputs: Sequence[tuple[str, list[int]]] = ()
    service: Optional[Callable[[bool, Optional[bool]], str]] = None

    def write(self, folder: str, name: str) -> None:
        """Write it into a folder, as files that begin with `name`."""
        mx = mxnet_here()
        save = mx.npx.save if mx.util.is_np_array() else mx.nd.save
        if self.symbol is not None:
            self.symbol.save(os.path.join(folder, f'{name}-symbol.json'))
        save(os.path.join(folder, f'{name}-0000.params'), dict(self.arrays))

    def outputs(self) -> list[tuple[str, list[int]]]:
        """Name and shape of each output; 0 for what depends on the request, or is not known."""
        if self.symbol is None:
            return list(self.python_outputs)
        found = [self._inferred(self.symbol, batch) for batch in _BATCHES]
        return [(name.removesuffix(_OUTPUT_SUFFIX), _common(*shapes))
                for name, *shapes in zip(self.symbol.list_outputs(), *found)]

    def _inferred(self, symbol: Any, batch: int) -> Sequence[Sequence[int]]:
        """Shapes of the outputs for a batch; empty ones where the symbol does not tell."""
        mx = mxnet_here()
        unknown = -1 if mx.util.is_np_shape() else _ANY
        arguments = symbol.list_arguments()
        shapes = {key.removeprefix(_ARG): tuple(array.shape) for key, array in self.arrays.items()
                  if key.startswith(_ARG)}
        shapes.update({name: tuple(length or unknown for length in (shape[0] or batch, *shape[1:]))
                       for name, shape in self.inputs.items() if name in arguments})
        try:
            _, outputs, _ = symbol.infer_shape_partial(**shapes)
        except mx.base.MXNetError as error:
            given = {name: list(shape) for name, shape in self.inputs.items()}
            raise ExportError(f'the network does not take inputs of the shapes {given}: '
                              f'{operator_reason(error)}') from error
        return outputs or [()] * len(symbol.list_outputs())


def mxnet_here() -> Any:
    """MXNet as this process has it; imported, where it has none yet."""
    return sys.modules.get('mxnet') or mxnet_compat.mxnet


def named(symbol: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of those parameters that a symbol has, by the names of a parameter file.

    Parameters
    ----------
    parameters
        Name -> NDArray, on any device.
    """
    cpu = mxnet_here().cpu()
    kinds = ((_ARG, symbol.list_arguments()), (_AUX, symbol.list_auxiliary_states()))
    return {prefix + name: parameters[name].as_in_context(cpu)
            for prefix, names in kinds for name in names if name in parameters}


def checked_inputs(inputs: Optional[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Name -> shape, of what a user has given: shapes, or arrays whose batch may be any.

    Raises
    ------
    ExportError
    """
    if not inputs or not isinstance(inputs, Mapping):
        raise ExportError('inputs= has to give name and shape of each input, as in '
                          "inputs={'data': (0, 3, 224, 224)}, where 0 is any length")
    return {str(name): _shape(name, value) for name, value in inputs.items()}


def _shape(name: str, value: Any) -> list[int]:
    shape = getattr(value, 'shape', value)
    if not isinstance(shape, Sequence) or isinstance(shape, (str, bytes)) or not shape:
        raise ExportError(f'inputs=: the shape of {name!r} is {shape!r}: {_GIVE}')
    lengths = [_length(name, place, length) for place, length in enumerate(shape)]
    return lengths if shape is value else [_ANY, *lengths[1:]]


def _length(name: str, place: int, length: Any) -> int:
    with suppress(TypeError):
        whole = operator.index(length)
        if whole >= 0 and not isinstance(length, bool):
            return whole
    raise ExportError(f'inputs=: length {place} of the shape of {name!r} is {length!r}: {_GIVE}')


def _common(one: Optional[Sequence[int]], other: Optional[Sequence[int]]) -> list[int]:
    return [max(length, _ANY) if length == another else _ANY
            for length, another in zip(one or (), other or ())]
