"""What a network's own shape inference says of the shapes of its inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mms.mxnet_compat import mxnet as mx
from mms.mxnet_engine.graph import Graph
from mms.mxnet_engine.reasons import operator_reason

_RESHAPE = 'Reshape'

Shape = tuple[int, ...]


class ShapesRefused(RuntimeError):
    """The network takes no inputs of these shapes.

    MXNet itself raises RuntimeError when a network cannot be bound.
    """


class _Change(NamedTuple):
    """An operator that keeps the numbers and changes their shape."""

    name: str
    before: Any
    after: Any


class ShapeInference:
    """Looks for what MXNet refuses, and for what it should: for a ``Reshape`` that needs more
    numbers than there are, it reads the memory behind them.

    Parameters
    ----------
    symbol
        The network.
    parameters
        Name -> shape of each parameter and state.
    """

    def __init__(self, symbol: Any, parameters: Mapping[str, Shape]) -> None:
        self._symbol = symbol
        self._parameters = parameters
        self._changes = list(_changes(symbol))
        self._probe = mx.sym.Group([symbol, *(part for change in self._changes
                                              for part in change[1:])])

    def check(self, inputs: Mapping[str, Shape]) -> None:
        """See that inputs fit the network, its parameters and each other.

        Raises
        ------
        ShapesRefused
            The reason in one clause.
        """
        known = {name: shape for name, shape in self._parameters.items()
                 if name in self._probe.list_arguments()}
        try:
            args, outputs, states = self._probe.infer_shape_partial(**{**known, **inputs})
        except mx.base.MXNetError as error:
            raise ShapesRefused(operator_reason(error)) from error
        names = (*self._probe.list_arguments(), *self._probe.list_auxiliary_states())
        self._check_parameters(dict(zip(names, (*(args or ()), *(states or ())))))
        self._check_changes(list(outputs or ())[len(self._symbol.list_outputs()):])

    def _check_parameters(self, inferred: Mapping[str, Shape]) -> None:
        for name, given in self._parameters.items():
            needed = inferred.get(name)
            if _is_known(needed) and needed != given:
                raise ShapesRefused(f'{name} would have to have the shape {list(needed or ())}, '
                                    f'it has {list(given)}')

    def _check_changes(self, shapes: Sequence[Shape]) -> None:
        for change, before, after in zip(self._changes, shapes[::2], shapes[1::2]):
            if _is_known(before) and math.prod(before) != math.prod(after or ()):
                raise ShapesRefused(f'{change.name} cannot make {list(after)} of {list(before)}')


def shapes_of(arrays: Mapping[str, Any]) -> dict[str, Shape]:
    """Name -> shape of named arrays."""
    return {name: tuple(array.shape) for name, array in arrays.items()}


def _changes(symbol: Any) -> Iterator[_Change]:
    internals = symbol.get_internals()
    known = internals.list_outputs()
    for node in Graph(symbol).nodes:
        output = f"{node['name']}_output"
        if node['op'] == _RESHAPE and known.count(output) == 1:
            after = internals[output]
            yield _Change(node['name'], after.get_children()[0], after)


def _is_known(shape: Any) -> bool:
    return bool(shape) and all(length > 0 for length in shape)
