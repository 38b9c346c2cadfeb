"""The workers of one model that have nothing to do."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection
from typing import Optional

from mms.devices.device import Device
from mms.pool.process import WorkerProcess


class Idle:
    """Free workers, each with the time since when it is free."""

    def __init__(self) -> None:
        self._since: dict[WorkerProcess, float] = {}

    def __len__(self) -> int:
        return len(self._since)

    def __contains__(self, worker: object) -> bool:
        return worker in self._since

    @property
    def all(self) -> Collection[WorkerProcess]:
        """Each of them, as they are now and later."""
        return self._since.keys()

    def put(self, worker: WorkerProcess) -> None:
        """Add a worker that is free from now on."""
        self._since[worker] = time.monotonic()

    def remove(self, worker: WorkerProcess) -> None:
        """Forget a worker, if it is free."""
        self._since.pop(worker, None)

    def clear(self) -> None:
        """Forget all."""
        self._since.clear()

    def count(self, threads: int) -> int:
        """How many compute on no more than so many threads."""
        return sum(worker.threads <= threads for worker in self._since)

    def take(self, threads: int, busy: Counter[Optional[Device]]) -> WorkerProcess:
        """The one with the most threads up to `threads`, or else with the fewest.

        Of several one on the device on which the fewest are `busy`, and of these the one that
        was busy last: its memory is the warmest.
        """
        fitting = [worker.threads for worker in self._since if worker.threads <= threads]
        best = max(fitting) if fitting else min(worker.threads for worker in self._since)
        alike = [worker for worker in reversed(self._since) if worker.threads == best]
        chosen = min(alike, key=lambda worker: busy[worker.device])
        del self._since[chosen]
        return chosen

    def since(self, seconds: float) -> list[WorkerProcess]:
        """Those that have been free for longer."""
        before = time.monotonic() - seconds
        return [worker for worker, since in self._since.items() if since < before]
