"""What a network has for its training alone: labels, losses, recurrent begin states.

Nobody sends these with a request. Where the parameter file and the signature do not give
them, they go: begin states are zeros, labels are left out, and so are outputs that compare
with a label.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from mms.errors import ServiceError
from mms.mxnet_engine.graph import VARIABLE, Graph

# Their inputs behind the first are labels, which are of no matter to the output.
_HEADS = frozenset({
    'SoftmaxOutput', 'Softmax', 'LinearRegressionOutput', 'LogisticRegressionOutput',
    'MAERegressionOutput', 'SVMOutput',
})
_WRITTEN_IN_PYTHON = 'Custom'
# Their output is the loss itself.
_LOSSES = frozenset({
    'MakeLoss', 'make_loss', 'softmax_cross_entropy', 'CTCLoss', 'ctc_loss', '_contrib_CTCLoss',
    '_contrib_ctc_loss',
})
# Their inputs behind the first are parameters; of RNN, the second alone.
_LAYERS = frozenset({
    'FullyConnected', 'Convolution', 'Deconvolution', 'Embedding', 'BatchNorm', 'LayerNorm',
    'InstanceNorm', 'GroupNorm', 'LeakyReLU', 'RNN', 'dot', 'batch_dot',
})
_PARAMETERS_OF_RNN, _STATES_OF_RNN = 1, (2, 3)
# As mx.rnn and Gluon call them, and MXNet's own examples before them.
_STATE_NAME = re.compile(r'(?:^|_)(?:init_[hc]|begin_state_\d+)$')


class Inference(NamedTuple):
    """A symbol without what only its training needs.

    Attributes
    ----------
    states
        The begin states that are zeros now.
    left_out
        The outputs that are no more.
    """

    symbol: Any
    states: list[str]
    left_out: list[str]


def inference_symbol(symbol: Any, inputs: Collection[str], args: Mapping[str, Any]) -> Inference:
    """Take out of `symbol` what only its training needs.

    Parameters
    ----------
    inputs
        The names that the signature gives.
    args
        The parameters.

    Returns
    -------
    Inference
        With `symbol` itself, where there is nothing to take out.

    Raises
    ------
    ServiceError
        Every output compares with a label.
    """
    parts = _Parts(symbol, inputs, args)
    states, left_out = parts.fill_states(), parts.drop_labels()
    return Inference(parts.graph.symbol() if parts.has_changed else symbol, states, left_out)


class _Parts:
    def __init__(self, symbol: Any, inputs: Collection[str], args: Mapping[str, Any]) -> None:
        self.graph = Graph(symbol)
        self.has_changed = False
        self._symbol = symbol
        self._args = args
        self._uses = self.graph.uses()
        # The added nodes behind them are zeros, which depend on nothing.
        self._own = range(len(self.graph.nodes))
        states = set(symbol.list_auxiliary_states())
        self._free = [number for number in self._own if self._is_variable(number)
                      and self._name(number) not in {*inputs, *states}]
        self._absent = [number for number in self._free if self._name(number) not in args]

    def fill_states(self) -> list[str]:
        """Put zeros in place of the begin states that nobody gives; their names."""
        states = [number for number in self._absent if self._is_state(number)]
        for number in states:
            zeros = self.graph.add_zeros(self._name(number), self._state_shape(number))
            for node, position in self._uses[number]:
                self._rewire(node, position, zeros)
        self._absent = [number for number in self._absent if number not in states]
        return [self._name(number) for number in states]

    def drop_labels(self) -> list[str]:
        """Cut the labels off; the names of the outputs that needed them, and are no more."""
        only_compared = self._only_compared()
        labels = {number for number in self._free if self._is_label(number, only_compared)}
        needy = self._depend_on(labels)
        for node in self.graph.nodes[:len(self._own)]:
            for position, source in enumerate(self.graph.sources(node)):
                if source in needy and self._is_label_slot(node, position):
                    self._rewire(node, position, self.graph.add_zeros(f"{node['name']}_nothing"))
        return self._drop({place for place, (number, *_) in enumerate(self.graph.outputs)
                           if number in needy}, labels)

    def _drop(self, places: set[int], labels: Collection[int]) -> list[str]:
        outputs = self.graph.outputs
        if not places:
            return []
        if len(places) == len(outputs):
            needed = ', '.join(repr(self._name(number)) for number in sorted(labels))
            raise ServiceError(f'Every output of the network is a loss that compares with '
                               f'{needed}: export the network without the loss, or give the '
                               'label as an input in signature.json')
        self.has_changed = True
        outputs[:] = [output for place, output in enumerate(outputs) if place not in places]
        return [self._symbol.list_outputs()[place] for place in sorted(places)]

    def _rewire(self, node: dict[str, Any], position: int, source: int) -> None:
        node['inputs'][position] = [source, 0, 0]
        self.has_changed = True

    def _is_variable(self, number: int) -> bool:
        return bool(self.graph.nodes[number]['op'] == VARIABLE)

    def _name(self, number: int) -> str:
        return str(self.graph.nodes[number]['name'])

    def _is_state(self, number: int) -> bool:
        if any(node['op'] == 'RNN' and position in _STATES_OF_RNN
               for node, position in self._uses[number]):
            return True
        return bool(_STATE_NAME.search(self._name(number))) and not self._is_parameter(number)

    def _state_shape(self, number: int) -> tuple[int, ...]:
        """Its batch is left open: it is that of the request."""
        for node, position in self._uses[number]:
            if node['op'] == 'RNN':
                return _shape_in_rnn(node['attrs'], position)
            if node['op'] == 'FullyConnected' and position == 0:
                weight = self._args.get(self._name(self.graph.sources(node)[1]))
                return 0, int(weight.shape[1]) if weight is not None else 0
        return 0, 0

    def _is_parameter(self, number: int) -> bool:
        return any(node['op'] in _LAYERS and position > 0
                   and (node['op'] != 'RNN' or position == _PARAMETERS_OF_RNN)
                   for node, position in self._uses[number])

    def _is_label(self, number: int, only_compared: Collection[int]) -> bool:
        """What a head compares with is a label even where the parameter file has it."""
        if all(self._is_label_slot(node, position) for node, position in self._uses[number]):
            return bool(self._uses[number])
        return number in self._absent and not self._is_parameter(number) and (
            number in only_compared or self._name(number).endswith('label'))

    def _only_compared(self) -> set[int]:
        """The nodes from which every way leads to a loss."""
        ends = {number for number, *_ in self.graph.outputs}
        positions = {id(node): number for number, node in enumerate(self.graph.nodes)}
        found: set[int] = set()
        for number in reversed(self._own):
            if self._uses[number] and number not in ends and all(
                    self._is_label_slot(node, position) or node['op'] in _LOSSES
                    or positions[id(node)] in found for node, position in self._uses[number]):
                found.add(number)
        return found

    def _depend_on(self, labels: Collection[int]) -> set[int]:
        """The labels, and the nodes whose values follow from them."""
        found = set(labels)
        for number in self._own:
            node = self.graph.nodes[number]
            if any(source in found and not self._is_label_slot(node, position)
                   for position, source in enumerate(self.graph.sources(node))):
                found.add(number)
        return found

    def _is_label_slot(self, node: dict[str, Any], position: int) -> bool:
        """Whether an input is of no matter to the output; of an operator written in Python, its
        name has to tell.
        """
        if position == 0 or node['op'] not in (*_HEADS, _WRITTEN_IN_PYTHON):
            return False
        return node['op'] in _HEADS or self._name(
            self.graph.sources(node)[position]).endswith('label')


def _shape_in_rnn(attrs: Mapping[str, str], position: int) -> tuple[int, int, int]:
    directions = 2 if attrs.get('bidirectional', 'False') in ('True', '1') else 1
    size = attrs['state_size']
    if position == _STATES_OF_RNN[0]:
        # A long short-term memory may project what it hands on.
        size = attrs.get('projection_size', 'None').replace('None', size)
    return int(attrs['num_layers']) * directions, 0, int(size)
