"""One model's queue: oldest request first, to the next worker that is free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import gevent
from gevent.event import AsyncResult
from gevent.queue import Queue

from mms.errors import REQUEST_ERRORS, MMSError, WorkerDied
from mms.pool.process import WorkerGone, WorkerProcess
from mms.pool.supervisor import Supervisor
from mms.wire import Failure, Ping, Pong, RawInput, Reply, Request

# A service's own ping is heard only this long: /ping answers while it hangs.
_PING_S = 0.05


class Job(NamedTuple):
    """A request that waits, and where its answer goes."""

    request: Request
    answer: AsyncResult


class Scheduler:
    """Brings requests for one model to its workers.

    Parameters
    ----------
    workers
        The model's workers, started.
    """

    def __init__(self, workers: Supervisor) -> None:
        self._workers = workers
        self._queue: Queue[Job] = Queue()
        self._sick = ''
        self._dispatcher = gevent.spawn(self._dispatch)

    def predict(self, inputs: Sequence[RawInput]) -> Reply:
        """Wait for a worker, and for its answer.

        Raises
        ------
        BadRequest, InferenceError, WorkerDied, ModelUnavailable
        """
        job = Job(Request(inputs), AsyncResult())
        self._queue.put(job)
        reply: Reply = job.answer.get()
        return reply

    def ill_health(self) -> str:
        """Why the model cannot answer; an empty string when it can.

        A free worker is asked for its service's ``ping``; a busy one is alive,
        and was well when it was last asked.
        """
        if self._workers.failure:
            return self._workers.failure
        worker = self._workers.acquire_now()
        if worker is not None:
            gevent.spawn(self._ask, worker).join(timeout=_PING_S)
        return self._sick

    def stop(self) -> None:
        """Stop dispatching; the queue must be empty, or its requests get no answer."""
        self._dispatcher.kill()

    def _ask(self, worker: WorkerProcess) -> None:
        try:
            answer = worker.exchange(Ping())
        except WorkerGone:
            return
        finally:
            self._workers.release(worker)
        if isinstance(answer, Pong):
            self._sick = answer.reason

    def _dispatch(self) -> None:
        while True:
            job = self._queue.get()
            try:
                worker = self._workers.acquire()
            except MMSError as error:
                job.answer.set_exception(error)
            else:
                gevent.spawn(self._run, job, worker)

    def _run(self, job: Job, worker: WorkerProcess) -> None:
        try:
            answer = worker.exchange(job.request)
        except WorkerGone as error:
            job.answer.set_exception(WorkerDied(
                f'The worker process of model {self._workers.name} died over this request '
                f'({error}); it is being replaced.'))
            return
        finally:
            self._workers.release(worker)
        if isinstance(answer, Failure):
            job.answer.set_exception(REQUEST_ERRORS[answer.error](answer.message))
        else:
            job.answer.set(answer)
