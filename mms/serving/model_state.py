"""The states of a served model, and the one way from each to the next."""

from __future__ import annotations

import time
from enum import Enum
from typing import Callable


class ModelState(Enum):
    """Where a model is in its life."""

    LOADING = 'loading'
    READY = 'ready'
    DEGRADED = 'degraded'
    FAILED = 'failed'
    DRAINING = 'draining'
    GONE = 'gone'


_NEXT = {
    ModelState.LOADING: {ModelState.READY, ModelState.FAILED, ModelState.GONE},
    ModelState.READY: {ModelState.DEGRADED, ModelState.FAILED, ModelState.DRAINING,
                       ModelState.GONE},
    ModelState.DEGRADED: {ModelState.READY, ModelState.FAILED, ModelState.DRAINING,
                          ModelState.GONE},
    ModelState.FAILED: {ModelState.READY, ModelState.DEGRADED, ModelState.DRAINING,
                        ModelState.GONE},
    ModelState.DRAINING: {ModelState.GONE},
    ModelState.GONE: set(),
}


class Lifecycle:
    """The state of one model, and why it is in it.

    Parameters
    ----------
    on_change
        Called after each change of the state or of its reason.

    Attributes
    ----------
    state
        The state; :attr:`ModelState.LOADING` at first.
    reason
        Why the model is degraded or has failed; empty in every other state.
    since_s
        When it turned to the state, in seconds since the epoch.
    """

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        self._on_change = on_change
        self.state = ModelState.LOADING
        self.reason = ''
        self.since_s = time.time()

    def turn_to(self, state: ModelState, reason: str = '') -> None:
        """Go over to a state; nothing where the model is in it for that reason already.

        Raises
        ------
        ValueError
            No way leads there from the present state.
        """
        if (state, reason) == (self.state, self.reason):
            return
        if state is not self.state and state not in _NEXT[self.state]:
            raise ValueError(f'a model that is {self.state.value} cannot be {state.value}')
        if state is not self.state:
            self.since_s = time.time()
        self.state, self.reason = state, reason
        self._on_change()
