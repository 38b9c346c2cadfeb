"""Other workers for one model in the place of those that are worn, ill, or slower than need be."""

from __future__ import annotations

import logging
from typing import Callable

from mms.errors import ServiceError
from mms.metrics.observer import Restart
from mms.pool.process import WorkerProcess
from mms.pool.reconciler import Reconciler
from mms.pool.worker import SERVING, Worker, WorkerState
from mms.pool.workers import Workers

logger = logging.getLogger(__name__)


class Succession:
    """Replaces workers that could go on.

    Parameters
    ----------
    model
        The model's name, for the log.
    workers, reconciler
        Its workers, and who starts and ends them.
    on_restart
        Called with why a worker is replaced; not where it is only slower than the next.
    """

    def __init__(self, model: str, workers: Workers, reconciler: Reconciler,
                 on_restart: Callable[[Restart], None]) -> None:
        self._model = model
        self._workers = workers
        self._reconciler = reconciler
        self._on_restart = on_restart

    def replace_worn(self, worker: Worker, reason: Restart) -> None:
        """Have another worker in the place of one that has served long enough."""
        process = worker.process
        where = f' on {process.device}' if process.device else ''
        logger.info('Worker %d of model %s%s is replaced after %d requests, with %d MB of its '
                    'own.', process.pid, self._model, where, process.served,
                    process.memory_bytes // 1024**2)
        self._on_restart(reason)
        self._reconciler.replace(worker)

    def replace_all(self) -> None:
        """Have another worker in the place of each: those that are forked now are faster."""
        for worker in self._workers.loaded:
            if worker.state in SERVING and not worker.is_to_be_replaced:
                self._reconciler.replace(worker)

    def take_out(self, worker: WorkerProcess, after_s: float) -> None:
        """End a worker that was borrowed, and put another in its place after a while."""
        held = self._workers.of(worker)
        if held is not None:
            self._on_restart(Restart.ILL)
            self._reconciler.take_out(held, after_s)

    def start_successor(self, worker: WorkerProcess,
                        why_not: Callable[[WorkerProcess], str]) -> None:
        """Start another worker, which takes the place of one that is here if it is fit."""
        held = self._workers.of(worker)
        if held is None:
            return
        if held.kind.device is not None:
            # A device may not have room for both.
            if held.state is WorkerState.IDLE:
                self._on_restart(Restart.ILL)
                self._reconciler.take_out(held, 0.0)
            return
        try:
            self._reconciler.spawn(held.kind, why_not, in_place_of=held)
            self._on_restart(Restart.ILL)
        except ServiceError as error:
            logger.error('A worker of model %s is ill, and its successor is no better: %s',
                         self._model, error)
