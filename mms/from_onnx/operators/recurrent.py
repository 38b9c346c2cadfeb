"""LSTM, GRU and plain recurrent layers: MXNet's own layer, with the gates in its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mms.from_onnx.node import Node
from mms.from_onnx.numpy_types import Array
from mms.from_onnx.table import operator
from mms.mxnet_compat import mxnet as mx

_LIMITS = ('constant weights, whole sequences, the usual activations; '
           'no `clip`, no peepholes')


class _Kind(NamedTuple):
    """`gates` are ONNX's, in MXNet's order; `activations` those of one direction."""

    mode: str
    gates: tuple[int, ...]
    activations: tuple[str, ...]


_LSTM = _Kind('lstm', (0, 2, 3, 1), ('Sigmoid', 'Tanh', 'Tanh'))
_GRU = _Kind('gru', (1, 0, 2), ('Sigmoid', 'Tanh'))


@operator('LSTM', limits=_LIMITS)
def _lstm(node: Node) -> Any:
    node.only('input_forget', 0)
    if node.given(7) and node.constant(7, 'peepholes').any():
        node.refuse('MXNet has no peepholes')
    return _layer(node, _LSTM, cell=True)


@operator('GRU', limits=f'{_LIMITS}; `linear_before_reset` 1, which is what PyTorch writes')
def _gru(node: Node) -> Any:
    if node.attr('linear_before_reset', 0) != 1:
        node.refuse('linear_before_reset is 0, and MXNet has it for 1 only')
    return _layer(node, _GRU, cell=False)


@operator('RNN', limits=_LIMITS)
def _rnn(node: Node) -> Any:
    names = {name.lower() for name in node.attr('activations') or ['Tanh']}
    if names not in ({'tanh'}, {'relu'}):
        node.refuse(f'its activations are {sorted(names)}, and MXNet has tanh or relu')
    name = names.pop()
    return _layer(node, _Kind(f'rnn_{name}', (0,), (name,)), cell=False)


def _layer(node: Node, kind: _Kind, cell: bool) -> list[Any]:
    direction = node.only('direction', 'forward', 'reverse', 'bidirectional')
    directions = 2 if direction == 'bidirectional' else 1
    _check(node, kind, directions)
    hidden, batch_first = node.shape(2)[-1], bool(node.attr('layout', 0))
    assert isinstance(hidden, int)
    symbol = mx.sym.swapaxes(node.sym(0), dim1=0, dim2=1) if batch_first else node.sym(0)
    if direction == 'reverse':
        symbol = mx.sym.flip(symbol, axis=0)
    states = [_state(node, index, symbol, directions, hidden, batch_first)
              for index in ((5, 6) if cell else (5,))]
    found = list(mx.sym.RNN(
        symbol, node.param('weights', _weights(node, kind, hidden)), *states, mode=kind.mode,
        state_size=hidden, num_layers=1, bidirectional=directions == 2, state_outputs=True))
    sequence = mx.sym.reshape(found[0], shape=(0, 0, -4, directions, hidden))
    if direction == 'reverse':
        sequence = mx.sym.flip(sequence, axis=0)
    # length, batch, directions, hidden
    order = (1, 0, 2, 3) if batch_first else (0, 2, 1, 3)
    return [mx.sym.transpose(sequence, axes=order),
            *(mx.sym.swapaxes(state, dim1=0, dim2=1) if batch_first else state
              for state in found[1:])]


def _check(node: Node, kind: _Kind, directions: int) -> None:
    node.ignore('output_sequence')
    if node.has_attr('clip'):
        node.refuse('clip is not converted')
    given = tuple(name.lower() for name in node.attr('activations') or ())
    usual = tuple(name.lower() for name in kind.activations) * directions
    if given and given != usual:
        node.refuse(f'its activations are {list(given)}, and MXNet has {list(usual)}')
    hidden = node.shape(2)[-1]
    if node.attr('hidden_size', hidden) != hidden:
        node.refuse('hidden_size does not go with its weights')
    if node.given(4):
        length = node.length(0, 1 if node.attr('layout', 0) else 0, 'sequence_lens')
        if (node.constant(4, 'sequence_lens') != length).any():
            node.refuse('sequences that end early are not converted')


def _weights(node: Node, kind: _Kind, hidden: int) -> Array:
    """All matrices, direction by direction, and then all biases: what MXNet takes as one."""
    first, second = node.constant(1, 'weight'), node.constant(2, 'weight')
    width = len(kind.gates) * hidden
    bias = node.constant(3, 'bias') if node.given(3) else np.zeros(
        (first.shape[0], 2 * width), first.dtype)
    matrices = [_reordered(matrix, kind.gates) for pair in zip(first, second) for matrix in pair]
    biases = [_reordered(half, kind.gates) for row in bias for half in (row[:width], row[width:])]
    return np.concatenate([part.reshape(-1) for part in (*matrices, *biases)])


def _reordered(rows: Array, gates: Sequence[int]) -> Array:
    parts = np.split(rows, len(gates))
    return np.concatenate([parts[gate] for gate in gates])


def _state(node: Node, index: int, symbol: Any, directions: int, hidden: int,
           batch_first: bool) -> Any:
    """The state to begin with: the node's, or zeros for whatever batch comes."""
    if node.given(index):
        given = node.sym(index)
        return mx.sym.swapaxes(given, dim1=0, dim2=1) if batch_first else given
    one = mx.sym.slice_axis(mx.sym.slice_axis(symbol, axis=0, begin=0, end=1),
                            axis=2, begin=0, end=1)
    return mx.sym.broadcast_axis(mx.sym.zeros_like(one), axis=(0, 2), size=(directions, hidden))
