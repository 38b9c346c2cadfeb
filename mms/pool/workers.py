"""The workers that a model has: the actual state, beside the one that is desired."""

from __future__ import annotations

import time
from collections import Counter
from typing import Optional

from mms.devices.device import Device
from mms.pool.idle import best_idle, can_serve
from mms.pool.process import WorkerProcess
from mms.pool.worker import LOADED, Worker, WorkerKind, WorkerState


class Workers:
    """Workers in every state but the last; the loaded ones are known by their processes."""

    def __init__(self) -> None:
        self._coming: list[Worker] = []
        self._admitted: dict[WorkerProcess, Worker] = {}
        self._empty_since = time.monotonic()

    @property
    def all(self) -> list[Worker]:
        """Each of them."""
        return [*self._coming, *self._admitted.values()]

    @property
    def admitted(self) -> list[Worker]:
        """Those that have been ready, the closing ones included."""
        return list(self._admitted.values())

    @property
    def loaded(self) -> list[Worker]:
        """Those that take requests, or answer their last."""
        return [worker for worker in self._admitted.values() if worker.state in LOADED]

    @property
    def idle(self) -> list[Worker]:
        """Those that have nothing to do."""
        idle = WorkerState.IDLE
        return [worker for worker in self._admitted.values() if worker.state is idle]

    @property
    def empty_s(self) -> float:
        """For how many seconds none has been loaded; 0 while one is."""
        return 0.0 if self.loaded else time.monotonic() - self._empty_since

    def on_threads(self, threads: int) -> list[Worker]:
        """Those that are loaded, and compute on so many threads."""
        return [worker for worker in self.loaded if worker.kind.threads == threads]

    def of(self, process: WorkerProcess) -> Optional[Worker]:
        """The worker of a process; None if it has none any more."""
        return self._admitted.get(process)

    def add(self, kind: WorkerKind) -> Worker:
        """One more, which is to be started."""
        worker = Worker(kind)
        self._coming.append(worker)
        return worker

    def admit(self, worker: Worker, process: WorkerProcess) -> None:
        """One that was started is ready for requests."""
        worker.admit(process)
        self._coming.remove(worker)
        self._admitted[process] = worker

    def end(self, worker: Worker, state: WorkerState) -> None:
        """One is closing, or has gone."""
        was_last = worker.state in LOADED and len(self.loaded) == 1
        worker.turn_to(state)
        if was_last:
            self._empty_since = time.monotonic()
        if state is WorkerState.GONE:
            self._forget(worker)

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
        loaded = self.loaded
        idle = self.idle
        if len(loaded) - len(idle) >= at_once or not can_serve(idle, loaded, threads):
            return None
        worker = best_idle(idle, threads, busy)
        worker.turn_to(WorkerState.BUSY)
        return worker

    def _forget(self, worker: Worker) -> None:
        if worker in self._coming:
            self._coming.remove(worker)
            return
        for process in [process for process, other in self._admitted.items() if other is worker]:
            del self._admitted[process]
