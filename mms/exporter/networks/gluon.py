"""A Gluon block, traced: it is called once with symbols in place of arrays.

MXNet's own ``HybridBlock.export`` does the same, for a network that is hybridized and was run. Here
neither is needed, and the block is not hybridized for it. A block that is not hybrid can be traced
too where it only calls other blocks and operators of arithmetic; since Python code may decide by
what a symbol has not got, its trace is held against itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

import numpy as np

from mms.errors import ExportError
from mms.exporter.networks.network import (
    Network,
    Shapes,
    checked_inputs,
    mxnet_here,
    named,
)
from mms.mxnet_engine.reasons import reason_of

# Of a length that only a request tells, when the trace of a block is tried.
_TRIED = 2
_RELATIVE, _ABSOLUTE = 1e-3, 1e-5

_MEND = ('Let it derive from HybridBlock, with hybrid_forward(self, F, x) and F in place of mx.nd, '
         'or give service= a file whose class makes the network')


class Untraceable(ExportError):
    """The block is Python that takes arrays alone.

    Parameters
    ----------
    block
        The block.
    reason
        What has shown it.
    """

    def __init__(self, block: Any, reason: str) -> None:
        super().__init__(f'{type(block).__name__} cannot be made a symbol: {reason}. {_MEND}')
        self._block, self._reason = block, reason

    def also(self, reason: str) -> Untraceable:
        """The same, and it cannot be made anew from its source either."""
        return Untraceable(self._block, f'{self._reason}; nor be made anew: {reason}')


def network_of_block(block: Any, inputs: Shapes) -> Network:
    """The network of a block.

    Parameters
    ----------
    block : mxnet.gluon.Block
    inputs
        One for each argument of the block, in their order; the names are those of the
        inputs from now on.

    Raises
    ------
    Untraceable
        The block does not go along with symbols.
    ExportError
        A parameter has no value yet, or has the name of an input.
    """
    parameters = block.collect_params()
    taken = sorted(set(inputs) & set(parameters.keys()))
    if taken:
        raise ExportError(f'inputs=: {taken[0]!r} is the name of a parameter of the network: give '
                          'the input another one')
    arrays = values_of(parameters)
    symbol = _traced(block, inputs)
    network = Network(symbol, named(symbol, arrays), inputs)
    if not isinstance(block, mxnet_here().gluon.HybridBlock):
        _compare(block, network)
    return network


def parameters_of_block(block: Any, inputs: Optional[Mapping[str, Any]]) -> Network:
    """The network of a block that a service file makes anew: the parameters alone.

    Raises
    ------
    ExportError
        A parameter has no value yet.
    """
    return Network(None, values_of(block._collect_params_with_prefix()), checked_inputs(inputs))


def values_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Name -> value on the CPU of each parameter; where it is on several devices, their mean.

    Raises
    ------
    ExportError
        One has none yet.
    """
    mx = mxnet_here()
    try:
        return {name: parameter._reduce() for name, parameter in parameters.items()}
    except (mx.gluon.parameter.DeferredInitializationError, RuntimeError) as error:
        empty = next(one.name for one in parameters.values() if one._data is None)
        raise ExportError(f'the parameter {empty!r} has no value yet: load or initialize the '
                          'network, and call it once with a batch') from error


def _traced(block: Any, inputs: Shapes) -> Any:
    mx = mxnet_here()
    symbols = _variables(inputs)
    try:
        # Its names are not taken from those of the user's next symbols.
        with mx.name.NameManager(), mx.autograd.pause():
            outputs = _flat(block(*symbols))
    except Exception as error:
        raise Untraceable(block, reason_of(error)) from error
    strange = [output for output in outputs if not isinstance(output, mx.sym.Symbol)]
    if strange:
        raise Untraceable(block, f'it returned {type(strange[0]).__name__} for symbols')
    return outputs[0] if len(outputs) == 1 else mx.sym.Group(
        outputs, create_fn=type(outputs[0]))


def _variables(names: Iterable[str], **options: Any) -> list[Any]:
    mx = mxnet_here()
    made = [mx.sym.var(name, **options) for name in names]
    return [one.as_np_ndarray() for one in made] if mx.util.is_np_array() else made


def _flat(outputs: Any) -> list[Any]:
    if isinstance(outputs, (list, tuple)):
        return [one for output in outputs for one in _flat(output)]
    return [outputs]


def made_up(inputs: Shapes) -> list[Any]:
    """Arrays of NumPy for the inputs; 0 is a length of `_TRIED`."""
    # A generator of its own: that of the user goes on with the number that it is at.
    made = np.random.RandomState(0)
    return [made.rand(*(length or _TRIED for length in shape)).astype('float32')
            for shape in inputs.values()]


def is_same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two answers are the same."""
    return len(one) == len(other) and all(map(_is_close, one, other))


def _compare(block: Any, network: Network) -> None:
    """See that the symbol computes what the block does.

    Raises
    ------
    Untraceable
    """
    data = made_up(network.inputs)
    try:
        of_block, of_symbol = answers(block, data), answers(_bound(network), data)
    except Exception as error:
        raise Untraceable(block, 'it cannot be held against itself, called with made-up arrays: '
                          f'{reason_of(error)}') from error
    if not is_same(of_block, of_symbol):
        raise Untraceable(block, 'its answer is another one then, since its Python code decides by '
                          'what it is called with')


def _bound(network: Network) -> Any:
    """The symbol as a block on the CPU, which shares the arrays."""
    mx = mxnet_here()
    assert network.symbol is not None
    with mx.name.NameManager():
        block = mx.gluon.SymbolBlock(network.symbol, _variables(network.inputs, dtype='float32'))
    for name, parameter in block.collect_params().items():
        parameter._load_init(_value(network, name), mx.cpu())
    return block


def _value(network: Network, name: str) -> Any:
    return next(array for key, array in network.arrays.items() if key.partition(':')[2] == name)


def answers(block: Any, data: Sequence[Any]) -> list[Any]:
    """What a block answers, as NumPy's arrays; nothing is learned from it."""
    mx = mxnet_here()
    contexts = [parameter.list_ctx()[0] for parameter in block.collect_params().values()]
    array = mx.np.array if mx.util.is_np_array() else mx.nd.array
    with mx.autograd.pause(train_mode=False):
        outputs = _flat(block(*(array(one, ctx=(contexts or [mx.cpu()])[0]) for one in data)))
    return [output.asnumpy() for output in outputs]


def _is_close(one: Any, other: Any) -> bool:
    return one.shape == other.shape and bool(
        np.allclose(one, other, _RELATIVE, _ABSOLUTE, equal_nan=True))
