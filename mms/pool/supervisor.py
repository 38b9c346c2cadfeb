"""Keeps one model's worker processes alive: spawn, reap, replace, drain."""

from __future__ import annotations

import logging
import time
from typing import Any, Callable, Optional

import gevent
from gevent.event import Event

from mms.errors import MMSError, ModelUnavailable
from mms.pool.backoff import GIVE_UP_AFTER, deadline_s, delay_s
from mms.pool.process import WorkerProcess
from mms.wire import Load

logger = logging.getLogger(__name__)

# A model that has been without a worker for longer is called ill.
_REPLACEMENT_GRACE_S = 10.0


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
        self._failures = 0
        self._failure = ''
        self._deadline_s: Optional[float] = None
        self._alone_since = time.monotonic()
        self.signature: dict[str, Any] = {}
        self.service_class = ''

    @property
    def name(self) -> str:
        """Name of the model's endpoint."""
        return self._load.endpoint

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that are loaded."""
        return [worker.pid for worker in self._workers]

    def ill_health(self) -> str:
        """Why the model has no worker; an empty string while it has one, or soon will."""
        if self._failure or self._workers:
            return self._failure
        alone_s = time.monotonic() - self._alone_since
        return f'no worker for {alone_s:.0f} s' if alone_s > _REPLACEMENT_GRACE_S else ''

    def start(self) -> None:
        """Start the first worker and wait until its model is loaded.

        Raises
        ------
        ServiceError
            The model does not load.
        """
        began = time.monotonic()
        self._spawn()
        self._deadline_s = deadline_s(time.monotonic() - began)

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
        """End every worker when it has answered; those still loading are killed."""
        self._end(WorkerProcess.close)

    def kill(self) -> None:
        """End every worker at once."""
        self._end(WorkerProcess.kill)

    def _end(self, how: Callable[[WorkerProcess], None]) -> None:
        self._stopping = True
        gevent.killall(list(self._starters))
        gevent.joinall([gevent.spawn(how, worker) for worker in self._workers])
        self._workers.clear()
        self._idle.clear()

    def _spawn(self) -> WorkerProcess:
        worker = WorkerProcess(self._load, self._replace)
        worker.start(self._deadline_s)
        self.signature = worker.ready.signature
        self.service_class = worker.ready.service_class
        self._failure = ''
        self._workers.add(worker)
        self._idle.append(worker)
        self._changed.set()
        return worker

    def _replace(self, dead: WorkerProcess) -> None:
        self._workers.discard(dead)
        if dead in self._idle:
            self._idle.remove(dead)
        if self._stopping:
            return
        if not self._workers:
            self._alone_since = time.monotonic()
        # One that died before there was any use of it is as good as one that did not start.
        self._failures = 0 if dead.was_used else self._failures + 1
        logger.warning('Worker %d of model %s died; it is being replaced.', dead.pid, self.name)
        starter = gevent.spawn(self._respawn)
        self._starters.add(starter)
        starter.link(self._starters.discard)

    def _respawn(self) -> None:
        if self._failures > 1:
            gevent.sleep(delay_s(self._failures - 1))
        while not self._stopping:
            try:
                worker = self._spawn()
            except Exception as error:
                self._failures += 1
                self._failed(error)
                gevent.sleep(delay_s(self._failures))
            else:
                logger.info('Model %s has a new worker, PID %d.', self.name, worker.pid)
                return

    def _failed(self, error: Exception) -> None:
        known = isinstance(error, MMSError)
        logger.error('A worker of model %s did not start: %s', self.name, error,
                     exc_info=None if known else error)
        if self._failures >= GIVE_UP_AFTER:
            self._failure = (f'Model {self.name} is not available: its worker process does not '
                             f'start ({error}).')
            self._changed.set()
