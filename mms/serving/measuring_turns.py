"""Whose turn it is to be measured: one model at a time, once all are loaded."""

from __future__ import annotations

from gevent.event import Event
from gevent.lock import BoundedSemaphore


class Turns:
    """Models load side by side, which keeps the cores busy; what is measured then is no good.

    Parameters
    ----------
    models
        How many load.
    """

    def __init__(self, models: int) -> None:
        self._loading = models
        self._all_loaded = Event()
        self._free = BoundedSemaphore(1)

    def turn(self) -> Turn:
        """That of one model."""
        return Turn(self)

    def _arrive(self) -> None:
        self._loading -= 1
        if self._loading <= 0:
            self._all_loaded.set()


class Turn:
    """The turn of one model."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._arrived = self._mine = False

    def arrive(self) -> None:
        """The model keeps nobody waiting any more."""
        if not self._arrived:
            self._arrived = True
            self._turns._arrive()

    def take(self) -> None:
        """Wait until all models are loaded, and none is measured; a second time for nothing."""
        self.arrive()
        if not self._mine:
            self._turns._all_loaded.wait()
            self._turns._free.acquire()
            self._mine = True

    def leave(self) -> None:
        """Let the next one begin, whether or not this one has."""
        self.arrive()
        if self._mine:
            self._mine = False
            self._turns._free.release()
