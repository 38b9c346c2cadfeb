"""The states of a server, and the one way from each to the next."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum


class ServerState(Enum):
    """Where a server is in its life."""

    LOADING = 'loading'
    SERVING = 'serving'
    DRAINING = 'draining'


_NEXT = {
    ServerState.LOADING: {ServerState.SERVING, ServerState.DRAINING},
    ServerState.SERVING: {ServerState.DRAINING},
    ServerState.DRAINING: set(),
}


class ServerLifecycle:
    """The state of one server.

    Attributes
    ----------
    state
        The state; :attr:`ServerState.LOADING` at first.
    since_s
        When it turned to that, in seconds since the epoch.
    """

    def __init__(self) -> None:
        self.state = ServerState.LOADING
        self.since_s = time.time()
        self._listeners: list[Callable[[ServerState], None]] = []

    def subscribe(self, listener: Callable[[ServerState], None]) -> None:
        """Have `listener` called with each state from now on; it must not wait for anything."""
        self._listeners.append(listener)

    def turn_to(self, state: ServerState) -> None:
        """Go over to a state; nothing where the server is in it already.

        Raises
        ------
        ValueError
            No way leads there from the present state.
        """
        if state is self.state:
            return
        if state not in _NEXT[self.state]:
            raise ValueError(f'a server that is {self.state.value} cannot be {state.value}')
        self.state = state
        self.since_s = time.time()
        for listener in self._listeners:
            listener(state)
