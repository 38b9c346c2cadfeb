"""Keeps one model's worker processes alive: spawn, reap, replace, drain."""

from __future__ import annotations

import logging
from typing import Any, Optional

import gevent
from gevent.event import Event

from mms.errors import ModelUnavailable, ServiceError
from mms.pool.backoff import GIVE_UP_AFTER, delay_s
from mms.pool.process import WorkerProcess
from mms.wire import Load

logger = logging.getLogger(__name__)


class Supervisor:
    """The workers of one model.

    Parameters
    ----------
    load
        What every worker is told to load.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        self._workers: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []
        self._changed = Event()
        self._starters: set[gevent.Greenlet] = set()
        self._stopping = False
        self._failure = ''
        self.signature: dict[str, Any] = {}
        self.service_class = ''

    @property
    def name(self) -> str:
        """Name of the model's endpoint."""
        return self._load.endpoint

    @property
    def failure(self) -> str:
        """Why the model cannot answer; an empty string while it can."""
        return self._failure

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that are loaded."""
        return [worker.pid for worker in self._workers]

    def start(self) -> None:
        """Start the first worker and wait until its model is loaded.

        Raises
        ------
        ServiceError
            The model does not load.
        """
        self._spawn()

    def acquire(self) -> WorkerProcess:
        """Wait for a worker that is free, and take it.

        Raises
        ------
        ModelUnavailable
            The workers cannot start; the message says why.
        """
        while not self._idle:
            if self._failure:
                raise ModelUnavailable(self._failure)
            self._changed.clear()
            self._changed.wait()
        return self._idle.pop()

    def acquire_now(self) -> Optional[WorkerProcess]:
        """Take a worker if one is free this moment."""
        return self._idle.pop() if self._idle else None

    def release(self, worker: WorkerProcess) -> None:
        """Give back a worker that was taken; a dead one is already being replaced."""
        if not worker.gone:
            self._idle.append(worker)
            self._changed.set()

    def stop(self) -> None:
        """End every worker; those still loading are killed."""
        self._stopping = True
        gevent.killall(list(self._starters))
        gevent.joinall([gevent.spawn(worker.close) for worker in self._workers])
        self._workers.clear()
        self._idle.clear()

    def _spawn(self) -> None:
        worker = WorkerProcess(self._load, self._replace)
        worker.start()
        self.signature = worker.ready.signature
        self.service_class = worker.ready.service_class
        self._failure = ''
        self._workers.add(worker)
        self._idle.append(worker)
        self._changed.set()

    def _replace(self, dead: WorkerProcess) -> None:
        self._workers.discard(dead)
        if dead in self._idle:
            self._idle.remove(dead)
        if self._stopping:
            return
        logger.warning('Worker %d of model %s died; it is being replaced.', dead.pid, self.name)
        starter = gevent.spawn(self._respawn)
        self._starters.add(starter)
        starter.link(self._starters.discard)

    def _respawn(self) -> None:
        failures = 0
        while not self._stopping:
            try:
                self._spawn()
            except ServiceError as error:
                failures += 1
                self._failed(failures, error)
                gevent.sleep(delay_s(failures))
            else:
                logger.info('Model %s has a new worker, PID %s.', self.name, self.pids[-1])
                return

    def _failed(self, failures: int, error: ServiceError) -> None:
        logger.error('A worker of model %s did not start: %s', self.name, error)
        if failures >= GIVE_UP_AFTER:
            self._failure = (f'Model {self.name} is not available: its worker process does not '
                             f'start ({error}).')
            self._changed.set()
