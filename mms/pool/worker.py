"""One worker of a model: what it is for, and where it stands."""

from __future__ import annotations

import time
from enum import Enum
from typing import Callable, NamedTuple, Optional

from mms.devices.device import Device
from mms.pool.process import WorkerProcess


class WorkerKind(NamedTuple):
    """What a worker computes on. One that is not `permanent` ends when the load has gone that it
    was forked for, and has no successor when it dies.
    """

    threads: int
    device: Optional[Device] = None
    permanent: bool = True


class WorkerState(Enum):
    """Where a worker stands, from the decision to have it to the end of its process."""

    # Waits for a process that has the model.
    SPAWNING = 'spawning'
    # Runs the model for the first time, and is asked how it is.
    WARMING = 'warming'
    IDLE = 'idle'
    BUSY = 'busy'
    # Answers the last that it was given.
    RETIRING = 'retiring'
    # Has nothing to do any more, and ends.
    CLOSING = 'closing'
    GONE = 'gone'

    # Enum's own is computed in Python: 2 us for each batch.
    __hash__ = object.__hash__


_NEXT = {
    WorkerState.SPAWNING: {WorkerState.WARMING, WorkerState.GONE},
    WorkerState.WARMING: {WorkerState.IDLE, WorkerState.GONE},
    WorkerState.IDLE: {WorkerState.BUSY, WorkerState.CLOSING, WorkerState.GONE},
    WorkerState.BUSY: {WorkerState.IDLE, WorkerState.RETIRING, WorkerState.CLOSING,
                       WorkerState.GONE},
    WorkerState.RETIRING: {WorkerState.CLOSING, WorkerState.GONE},
    WorkerState.CLOSING: {WorkerState.GONE},
    WorkerState.GONE: set(),
}
LOADED = frozenset({WorkerState.IDLE, WorkerState.BUSY, WorkerState.RETIRING})
SERVING = frozenset({WorkerState.IDLE, WorkerState.BUSY})
ADMITTED = LOADED | {WorkerState.CLOSING}
COMING = frozenset({WorkerState.SPAWNING, WorkerState.WARMING})


class IllegalTransition(Exception):
    """A worker cannot come from the state that it is in to another."""


class Worker:
    """A worker that a model has, or is about to have.

    Parameters
    ----------
    on_turn
        Called with this object, and the state that it was in, when that has changed.

    Attributes
    ----------
    kind
        What it computes on.
    """

    def __init__(self, kind: WorkerKind,
                 on_turn: Callable[[Worker, WorkerState], None] = lambda worker, before: None,
                 ) -> None:
        self.kind = kind
        self._on_turn = on_turn
        self._state = WorkerState.SPAWNING
        self._since = time.monotonic()
        self._process: Optional[WorkerProcess] = None
        self._is_to_be_replaced = False

    @property
    def state(self) -> WorkerState:
        """Where it stands."""
        return self._state

    @property
    def since(self) -> float:
        """Since when, in monotonic seconds."""
        return self._since

    @property
    def process(self) -> WorkerProcess:
        """Its process, which has the model."""
        assert self._process is not None
        return self._process

    @property
    def is_to_be_replaced(self) -> bool:
        """Whether another one is to come in its place, and then it is to go."""
        return self._is_to_be_replaced

    def turn_to(self, state: WorkerState) -> None:
        """Change the state.

        Raises
        ------
        IllegalTransition
        """
        before = self._state
        if state not in _NEXT[before]:
            raise IllegalTransition(f'A worker that is {before.value} cannot be {state.value}.')
        self._state = state
        self._since = time.monotonic()
        self._on_turn(self, before)

    def warm_up(self) -> None:
        """Its process has the model; once more where the first one did not survive the next."""
        if self._state is WorkerState.SPAWNING:
            self.turn_to(WorkerState.WARMING)

    def admit(self, process: WorkerProcess) -> None:
        """It is ready for requests, in this process."""
        self.turn_to(WorkerState.IDLE)
        self._process = process

    def replace(self) -> None:
        """Want another one in its place."""
        self._is_to_be_replaced = True
