"""The Gluon nets of a service, and what may be done with each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mms.mxnet_compat import mxnet as mx
from mms.worker.loading.attributes import instances_in
from mms.worker.warm_up.graph_plan import PlannedForward

_FORWARDS = (mx.gluon.HybridBlock.forward, mx.gluon.SymbolBlock.forward)


class CannotFuse(Exception):
    """Says why a net stays as it is."""


class HybridNet:
    """A hybrid net, and what became of it."""

    def __init__(self, name: str, block: Any) -> None:
        self.name, self.block = name, block
        self.calls: list[Any] = []
        self.left_alone = _reason_against(block)
        self.gains: dict[int, tuple[str, float]] = {}
        self.mine: set[Any] = set()

    def forward(self) -> PlannedForward:
        """What stands for the net's own forward, or is to."""
        current = vars(self.block).get('forward')
        return current if isinstance(current, PlannedForward) else PlannedForward(self.block)

    def give_up(self, reason: str) -> None:
        """Undo all that was planned here, also at the sizes where it was right."""
        self.left_alone, self.gains = self.left_alone or reason, {}
        self.drop(self.mine)

    def drop(self, keys: Any) -> None:
        """Let the net run as it was where these plans fitted."""
        planned = self.forward()
        for key in list(keys):
            planned.plans.pop(key, None)
            self.mine.discard(key)
        if not planned.plans:
            vars(self.block).pop('forward', None)

    def put(self, plans: dict[Any, Any]) -> None:
        """Let the net run by these plans, where they fit."""
        planned = self.forward()
        planned.plans.update(plans)
        self.mine.update(plans)
        vars(self.block)['forward'] = planned

    def line(self) -> str:
        """What became of the net, for the log."""
        if self.left_alone:
            return f'{self.name}: left as it is: {self.left_alone}'
        parts = [f'batch {size}: {what}, {gain:.1f} times as fast' if what else
                 f'batch {size}: left as it is (fused {gain:.2f} times as fast)'
                 for size, (what, gain) in self.gains.items()]
        return f'{self.name}: ' + ('; '.join(parts) or 'left as it is: no time to try')

    def megabytes(self) -> float:
        """Size of the net's parameters."""
        return sum(float(np.prod(parameter.shape)) for parameter in
                   self.block.collect_params().values()) * 4 / 2**20


def nets_of(service: Any) -> list[HybridNet]:
    """The nets among the attributes of a service, also in its lists and dicts."""
    return [HybridNet(name, block) for name, block in instances_in(service, mx.gluon.Block)]


def _reason_against(block: Any) -> str:
    if not isinstance(block, mx.gluon.HybridBlock):
        return 'a plain Block, not a HybridBlock'
    own = vars(block).get('forward')
    if type(block).forward not in _FORWARDS or not isinstance(own, (type(None), PlannedForward)):
        return 'it has a forward of its own'
    if any(one._forward_hooks or one._forward_pre_hooks for one in _descendants(block)):
        return 'its blocks have hooks'
    if any(parameter.dtype not in (np.float32, 'float32')
           for parameter in block.collect_params().values()):
        return 'its parameters are not float32'
    return ''


def _descendants(block: Any) -> Iterator[Any]:
    for child in block._children.values():
        yield child
        yield from _descendants(child)


def notes_of(block: Any) -> list[Any]:
    """What user code keeps in the attributes of the blocks."""
    own = vars(mx.gluon.nn.HybridSequential())
    return [(name, value if isinstance(value, (int, float, str)) else id(value),
             len(value) if isinstance(value, (list, dict, set)) else 0)
            for one in (block, *_descendants(block)) for name, value in vars(one).items()
            if name not in own and name != 'forward']
