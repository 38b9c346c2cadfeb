"""A lock for each name of a model: changes of one wait for each other, those of others do not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from gevent.lock import BoundedSemaphore


class ModelLocks:
    """Who changes a model, and who waits to."""

    def __init__(self) -> None:
        self._locks: dict[str, BoundedSemaphore] = defaultdict(BoundedSemaphore)
        self._wanted: dict[str, int] = defaultdict(int)

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Wait until nobody else changes the model of that name; nobody else does meanwhile."""
        self._wanted[name] += 1
        try:
            with self._locks[name]:
                yield
        finally:
            self._wanted[name] -= 1
            if not self._wanted[name]:
                del self._wanted[name], self._locks[name]
