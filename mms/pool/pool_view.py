"""How the workers of one model stand, for those who only look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any, Optional

from mms.ipc.messages import Load, Ready
from mms.pool.capacity import Capacity
from mms.pool.process import WorkerProcess
from mms.pool.reconciler import Reconciler
from mms.pool.sizing import PoolSize
from mms.pool.starter import WorkerStarter
from mms.pool.worker import Worker, WorkerState
from mms.pool.workers import Workers

# A model that has been without a worker for longer is called ill.
_REPLACEMENT_GRACE_S = 10.0


class PoolView:
    """What there is to be seen of one model's workers.

    Parameters
    ----------
    name
        The model's endpoint.
    capacity
        How many workers there are to be.
    starter
        Where they come from.
    workers, reconciler
        Those that there are, and who has them be those that there are to be.

    Attributes
    ----------
    name
        As given.
    """

    def __init__(self, name: str, capacity: Capacity, starter: WorkerStarter, workers: Workers,
                 reconciler: Reconciler) -> None:
        self.name = name
        self._capacity = capacity
        self._starter = starter
        self._workers = workers
        self._reconciler = reconciler

    @property
    def ready(self) -> Ready:
        """What the model's latest process said of it."""
        return self._starter.ready

    @property
    def signature(self) -> dict[str, Any]:
        """The model's live signature."""
        return self.ready.signature

    @property
    def size(self) -> PoolSize:
        """How many workers the model is to have, and why."""
        return self._capacity.size

    @property
    def load_message(self) -> Load:
        """What its processes are told to load."""
        return self._starter.load_message

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that are loaded."""
        return [worker.process.pid for worker in self._workers.loaded]

    @property
    def template_pid(self) -> Optional[int]:
        """Process id of the template, if there is one."""
        return self._starter.template_pid

    @property
    def on_devices(self) -> bool:
        """Whether each worker has a device of its own."""
        return self._capacity.on_devices

    @property
    def alive(self) -> int:
        """How many workers answer at the same time under load, but for those being replaced."""
        return len(self._workers.on_threads(self.size.threads))

    @property
    def busy(self) -> int:
        """How many workers have something to do."""
        return self._workers.busy

    @property
    def bounds(self) -> Optional[tuple[int, int]]:
        """The fewest and the most workers, where the load decides; None where it does not."""
        return self._capacity.bounds

    @property
    def agrees(self) -> bool:
        """Whether the workers are those that there are to be, now."""
        return self._reconciler.agrees

    @property
    def states(self) -> Counter[WorkerState]:
        """How many workers are in each state."""
        return Counter(worker.state for worker in self._workers.all)

    @property
    def loaded(self) -> Collection[Worker]:
        """Those that take requests, or answer their last."""
        return self._workers.loaded

    @property
    def here(self) -> Collection[WorkerProcess]:
        """All workers that are loaded."""
        return [worker.process for worker in self._workers.loaded]

    @property
    def free(self) -> Collection[WorkerProcess]:
        """Workers that have nothing to do."""
        return [worker.process for worker in self._workers.idle]

    def idle_beside(self, worker: WorkerProcess) -> int:
        """How many workers are free that compute on no more threads than `worker`."""
        return sum(other.kind.threads <= worker.threads for other in self._workers.idle)

    @property
    def failure(self) -> str:
        """Why no worker starts; empty until several have failed one after another."""
        return self._reconciler.failure

    def ill_health(self) -> str:
        """Why the model has no worker; an empty string while it has one, or soon will."""
        alone_s = self._workers.empty_s
        if not alone_s:
            return ''
        late = f'no worker for {alone_s:.0f} s' if alone_s > _REPLACEMENT_GRACE_S else ''
        return self._reconciler.failure or late
