"""Changes of the models: of one name one after the other, of different names side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from gevent.lock import BoundedSemaphore


class Changes:
    """Who changes a model, and who waits to."""

    def __init__(self) -> None:
        self._turns: dict[str, BoundedSemaphore] = defaultdict(BoundedSemaphore)
        self._wanted: dict[str, int] = defaultdict(int)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Wait until nobody else changes the model of that name; nobody else does meanwhile."""
        self._wanted[name] += 1
        try:
            with self._turns[name]:
                yield
        finally:
            self._wanted[name] -= 1
            if not self._wanted[name]:
                del self._wanted[name], self._turns[name]
