"""Finds out what pays for the workers of one model, and has them go by it."""

from __future__ import annotations

from typing import Callable, Optional

from mms.ipc.findings import Findings
from mms.pool.capacity import Capacity
from mms.pool.process import WorkerProcess
from mms.pool.reconciler import Reconciler
from mms.pool.sizing import PoolSize
from mms.pool.starter import WorkerStarter
from mms.pool.succession import Succession
from mms.pool.throughput import requests_per_s
from mms.pool.worker import WorkerState
from mms.pool.workers import Workers


class Disturbed(Exception):
    """What was measured says nothing: requests came meanwhile, or other workers were asked for."""


class Tuner:
    """Measures what pays: batches, threads and networks by a process beside the workers, and how
    many of the workers by these themselves.

    Parameters
    ----------
    capacity
        Is told of the size that pays.
    starter
        Is told of all else; has the process that measures.
    workers, reconciler
        The workers, and who has them be those that there are to be.
    succession
        Replaces workers that are slower than the next would be.
    release
        Gives back a worker that was taken.
    on_change
        Called when a request that waits may have another kind of worker.
    """

    def __init__(self, capacity: Capacity, starter: WorkerStarter, workers: Workers,
                 reconciler: Reconciler, succession: Succession,
                 release: Callable[[WorkerProcess], None],
                 on_change: Callable[[], None]) -> None:
        self._capacity = capacity
        self._starter = starter
        self._workers = workers
        self._reconciler = reconciler
        self._succession = succession
        self._release = release
        self._on_change = on_change
        self._is_disturbed = False

    @property
    def may_settle(self) -> bool:
        """Whether fewer workers than there are may pay, and nobody has said how many."""
        return self._capacity.may_settle and self._starter.forks

    def disturb(self) -> None:
        """A request waits for a worker, or other workers are asked for."""
        self._is_disturbed = True

    def measure(self, known: Optional[Findings], on_batches: Callable[[], None]) -> bool:
        """Measure beside the workers, and go by it; see :meth:`Supervisor.measure`."""
        measured = self._starter.measured(known, on_batches)
        is_faster = self._starter.take(measured)
        on_batches()
        self._capacity.take(self._starter.size_of(self._capacity.asked),
                            self._capacity.size.workers)
        if is_faster:
            self._succession.replace_all()
        self._on_change()
        try:
            self._await_as_many()
        finally:
            self._want()
        return not measured.disturbed

    def settle(self) -> None:
        """Keep as many workers as pay when all of them compute at once; there are no requests."""
        try:
            self._capacity.settle(self._starter.levels, self._requests_per_s)
            self._await_as_many()
        finally:
            self._want()

    def settle_beside(self) -> None:
        """The same while requests come, to which it gives way.

        Raises
        ------
        Disturbed
            The size is as it was, or as it was asked for meanwhile.
        """
        try:
            self._capacity.settle(self._starter.levels, self._undisturbed_requests_per_s)
        finally:
            self._want()

    def _undisturbed_requests_per_s(self, size: PoolSize) -> float:
        self._is_disturbed = False
        if self._workers.busy:
            raise Disturbed
        per_s = self._requests_per_s(size)
        # Requests may have come before all of its workers were there.
        if self._is_disturbed or (not per_s and self._workers.busy):
            raise Disturbed
        return per_s

    def _requests_per_s(self, size: PoolSize) -> float:
        """What the workers of a size do together, as far as they start."""
        here = len(self._workers.on_threads(size.threads))
        self._want(size._replace(workers=max(here, size.workers)), best_effort=True)
        self._reconciler.await_agreement()
        workers = [worker for worker in self._workers.on_threads(size.threads)
                   if worker.state is WorkerState.IDLE][:size.workers]
        if len(workers) < size.workers:
            return 0.0
        for worker in workers:
            worker.turn_to(WorkerState.BUSY)
        processes = [worker.process for worker in workers]
        try:
            return requests_per_s(processes, self._starter.ready.batch_size)
        finally:
            for process in processes:
                self._release(process)

    def _await_as_many(self) -> None:
        """Wait until there are as many workers as the size says, and for a lone request one if it
        starts.
        """
        self._want(best_effort=True)
        self._reconciler.await_agreement()
        wide = self._capacity.size.wide
        if wide and not self._workers.on_threads(wide):
            self._capacity.do_without_wider()

    def _want(self, size: Optional[PoolSize] = None, best_effort: bool = False) -> None:
        self._reconciler.want(self._capacity.desired(self._reconciler.desired, size),
                              best_effort)
