"""The nodes of a symbol, to be changed before it is bound."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mms.mxnet_compat import mxnet as mx

VARIABLE = 'null'
# MXNet's numbers of types, as `__dtype__` has them.
_FLOAT32, _FLOAT16 = '0', '2'


class Graph:
    """What the JSON of a symbol says.

    Attributes
    ----------
    nodes : list of dict
        ``op``, ``name``, ``inputs`` and sometimes ``attrs``. Each stands behind its
        inputs, save those that :meth:`add_zeros` has added.
    outputs : list of list of int
        The number of a node, and which of its outputs it is.
    """

    def __init__(self, symbol: Any) -> None:
        self._json = json.loads(symbol.tojson())
        self.nodes: list[dict[str, Any]] = self._json['nodes']
        self.outputs: list[list[int]] = self._json['heads']

    def sources(self, node: dict[str, Any]) -> list[int]:
        """The numbers of the nodes that are its inputs."""
        return [source for source, *_ in node['inputs']]

    def uses(self) -> list[list[tuple[dict[str, Any], int]]]:
        """For each node, the nodes that it is an input of, and at which position."""
        found: list[list[tuple[dict[str, Any], int]]] = [[] for _ in self.nodes]
        for node in self.nodes:
            for position, source in enumerate(self.sources(node)):
                found[source].append((node, position))
        return found

    def add_zeros(self, name: str, shape: tuple[int, ...] = ()) -> int:
        """Add a node of zeros; its number.

        In `shape`, 0 stands for a length that MXNet infers, and ``()`` for a shape that
        it infers.
        """
        text = str(shape)
        if mx.util.is_np_shape():
            text = str(tuple(length or -1 for length in shape)) if shape else 'None'
        self.nodes.append({'op': '_zeros', 'name': name, 'inputs': [],
                           'attrs': {'shape': text, 'dtype': 'float32'}})
        return len(self.nodes) - 1

    def symbol(self) -> Any:
        """The graph as it is now."""
        return mx.sym.load_json(json.dumps(self._json))


def without_float16(symbol: Any) -> Any:
    """`symbol` with float32 in place of float16; itself, where it has none."""
    graph = Graph(symbol)
    changes = [_widen(node) for node in _all_nodes(graph.nodes)]
    return graph.symbol() if any(changes) else symbol


def _all_nodes(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Those in the bodies of loops and conditions too."""
    for node in nodes:
        yield node
        for body in node.get('subgraphs', ()):
            yield from _all_nodes(body['nodes'])


def _widen(node: dict[str, Any]) -> bool:
    attrs = node.get('attrs', {})
    wide = {key: new for key, old, new in (('__dtype__', _FLOAT16, _FLOAT32),
                                           ('dtype', 'float16', 'float32'))
            if attrs.get(key) == old}
    attrs.update(wide)
    return bool(wide)
