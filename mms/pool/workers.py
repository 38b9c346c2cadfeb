"""The workers that a model has: the actual state, beside the one that is desired."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection
from typing import Optional

from mms.devices.device import Device
from mms.pool.idle import best_idle
from mms.pool.process import WorkerProcess
from mms.pool.worker import ADMITTED, LOADED, Worker, WorkerKind, WorkerState


class Workers:
    """Workers in every state but the last; those that were ready are known by their processes."""

    def __init__(self) -> None:
        self._in: dict[WorkerState, dict[Worker, None]] = {state: {} for state in WorkerState}
        self._admitted: dict[WorkerProcess, Worker] = {}
        self._empty_since = time.monotonic()

    @property
    def all(self) -> list[Worker]:
        """Each of them."""
        return [worker for workers in self._in.values() for worker in workers]

    @property
    def admitted(self) -> list[Worker]:
        """Those that have been ready, the closing ones included."""
        return list(self._admitted.values())

    @property
    def loaded(self) -> list[Worker]:
        """Those that take requests, or answer their last."""
        return [worker for worker in self._admitted.values() if worker.state in LOADED]

    @property
    def idle(self) -> Collection[Worker]:
        """Those that have nothing to do, as they are now and later; the last that had, last."""
        return self._in[WorkerState.IDLE].keys()

    @property
    def busy(self) -> int:
        """How many have something to do."""
        return len(self._in[WorkerState.BUSY]) + len(self._in[WorkerState.RETIRING])

    @property
    def empty_s(self) -> float:
        """For how many seconds none has been loaded; 0 while one is."""
        return 0.0 if self.idle or self.busy else time.monotonic() - self._empty_since

    def busy_on_devices(self) -> Counter[Optional[Device]]:
        """How many of those that are loaded have something to do, on each device."""
        return Counter(worker.kind.device for worker in self.loaded
                       if worker.state is not WorkerState.IDLE)

    def on_threads(self, threads: int) -> list[Worker]:
        """Those that are loaded, and compute on so many threads."""
        return [worker for worker in self._admitted.values()
                if worker.kind.threads == threads and worker.state in LOADED]

    def of(self, process: WorkerProcess) -> Optional[Worker]:
        """The worker of a process; None if it has none any more."""
        return self._admitted.get(process)

    def add(self, kind: WorkerKind) -> Worker:
        """One more, which is to be started."""
        worker = Worker(kind, self._turned)
        self._in[worker.state][worker] = None
        return worker

    def admit(self, worker: Worker, process: WorkerProcess) -> None:
        """One that was started is ready for requests."""
        worker.admit(process)
        self._admitted[process] = worker

    def take(self, threads: int, at_once: int, busy: Counter[Optional[Device]],
             ) -> Optional[Worker]:
        """Take one that is idle; None where none is, or others fill the cores.

        Parameters
        ----------
        threads
            On how many it had best compute.
        at_once
            How many may be busy.
        busy
            How many are busy on each device.
        """
        idle = self.idle
        if not idle or self.busy >= at_once:
            return None
        worker = best_idle(idle, threads, busy)
        # One on more threads is for a lone request, unless there is no other kind.
        if worker.kind.threads > threads and any(
                other.kind.threads <= threads for other in self.loaded):
            return None
        worker.turn_to(WorkerState.BUSY)
        return worker

    def _turned(self, worker: Worker, before: WorkerState) -> None:
        del self._in[before][worker]
        if worker.state is not WorkerState.GONE:
            self._in[worker.state][worker] = None
        elif before in ADMITTED:
            self._admitted.pop(worker.process, None)
        if before in LOADED and not self.idle and not self.busy:
            self._empty_since = time.monotonic()
