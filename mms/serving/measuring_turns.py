"""Whose turn it is to be measured: one model at a time, while none loads."""

from __future__ import annotations

from gevent.event import Event
from gevent.lock import BoundedSemaphore


class MeasuringTurns:
    """Models load side by side, which keeps the cores busy; what is measured then is no good."""

    def __init__(self) -> None:
        self._loading = 0
        self._none_loads = Event()
        self._none_loads.set()
        self._free = BoundedSemaphore(1)

    def turn(self) -> Turn:
        """That of one model, which loads from now on."""
        self._loading += 1
        self._none_loads.clear()
        return Turn(self)

    def loaded(self) -> None:
        """A model loads no more."""
        self._loading -= 1
        if self._loading <= 0:
            self._none_loads.set()

    def acquire(self) -> None:
        """Wait until no model loads, and none is measured."""
        self._none_loads.wait()
        self._free.acquire()

    def release(self) -> None:
        """Let the next one be measured."""
        self._free.release()


class Turn:
    """The turn of one model."""

    def __init__(self, turns: MeasuringTurns) -> None:
        self._turns = turns
        self._arrived = self._mine = False

    def arrive(self) -> None:
        """The model keeps nobody waiting any more."""
        if not self._arrived:
            self._arrived = True
            self._turns.loaded()

    def take(self) -> None:
        """Wait until all models are loaded, and none is measured; a second time for nothing."""
        self.arrive()
        if not self._mine:
            self._turns.acquire()
            self._mine = True

    def leave(self) -> None:
        """Let the next one begin, whether or not this one has."""
        self.arrive()
        if self._mine:
            self._mine = False
            self._turns.release()
