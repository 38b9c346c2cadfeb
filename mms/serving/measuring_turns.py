"""Whose turn it is to be measured: one model at a time, while none loads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Optional

from gevent.event import Event
from gevent.lock import BoundedSemaphore


class MeasuringTurns:
    """Models load side by side, which keeps the cores busy; what is measured then is no good."""

    def __init__(self) -> None:
        self._loading = 0
        self._none_loads = Event()
        self._none_loads.set()
        self._free = BoundedSemaphore(1)

    def turn(self, patience_s: Optional[float] = None) -> Turn:
        """That of one model, which loads from now on.

        Parameters
        ----------
        patience_s
            How long it waits for others that load, in seconds: one may never be done. None for as
            long as it takes.
        """
        self._loading += 1
        self._none_loads.clear()
        return Turn(self, patience_s)

    def loaded(self) -> None:
        """A model loads no more."""
        self._loading -= 1
        if self._loading <= 0:
            self._none_loads.set()

    def acquire(self, patience_s: Optional[float]) -> None:
        """Wait until no model loads, `patience_s` at most, and none is measured."""
        self._none_loads.wait(patience_s)
        self._free.acquire()

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """The turn of a model that answers: no other loads, or is measured."""
        self.acquire(None)
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        """Let the next one be measured."""
        self._free.release()


class Turn:
    """The turn of one model."""

    def __init__(self, turns: MeasuringTurns, patience_s: Optional[float]) -> None:
        self._turns = turns
        self._patience_s = patience_s
        self._arrived = self._mine = False

    def arrive(self) -> None:
        """The model keeps nobody waiting any more."""
        if not self._arrived:
            self._arrived = True
            self._turns.loaded()

    def take(self) -> None:
        """Wait until all models are loaded, if that is soon enough, and none is measured; a second
        time for nothing.
        """
        self.arrive()
        if not self._mine:
            self._turns.acquire(self._patience_s)
            self._mine = True

    def leave(self) -> None:
        """Let the next one begin, whether or not this one has."""
        self.arrive()
        if self._mine:
            self._mine = False
            self._turns.release()
