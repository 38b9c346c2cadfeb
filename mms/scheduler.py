"""One model's queue: oldest request first, to the next worker that is free."""

from __future__ import annotations

from typing import Callable, NamedTuple

import gevent
from gevent.event import AsyncResult
from gevent.queue import Queue

from mms.errors import REQUEST_ERRORS, MMSError, ModelUnavailable, WorkerDied
from mms.pool.process import NotSent, WorkerGone, WorkerProcess
from mms.pool.supervisor import Supervisor
from mms.wire import Failure, Message, Ping, Pong, Reply, Request

# A service's own ping is heard only this long: /ping answers while it hangs.
_PING_S = 0.05
# One that hangs for longer costs its worker.
_LONGEST_PING_S = 10.0
# A request that workers die of while they receive it is given to no third one.
_MOST_SENDS = 2


class _PingHangs(Exception):
    """A service's ping has not returned in time."""


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
        self._unanswered: set[AsyncResult] = set()
        self._given_up = False
        self._sick = ''
        self._dispatcher = gevent.spawn(self._dispatch)

    def predict(self, request: Request,
                client_left: Callable[[], bool] = lambda: False) -> Reply:
        """Wait for a worker, and for its answer.

        Raises
        ------
        BadRequest, InferenceError, WorkerDied, ModelUnavailable
        """
        if self._given_up:
            raise self._too_late()
        job = Job(request, AsyncResult())
        self._unanswered.add(job.answer)
        self._queue.put(job)
        try:
            reply: Reply = job.answer.get()
        finally:
            self._unanswered.discard(job.answer)
        return reply

    def ill_health(self) -> str:
        """Why the model cannot answer; an empty string when it can.

        A free worker is asked for its service's ``ping``; a busy one is alive,
        and was well when it was last asked.
        """
        worker = self._workers.acquire_now()
        if worker is not None:
            gevent.spawn(self._ask, worker).join(timeout=_PING_S)
        return self._workers.ill_health() or self._sick

    def give_up(self) -> None:
        """Answer every request that has no answer yet, or comes yet: the server ends without it."""
        self._given_up = True
        self._dispatcher.kill()
        for answer in self._unanswered:
            answer.set_exception(self._too_late())

    def stop(self) -> None:
        """Stop dispatching; the queue must be empty, or its requests get no answer."""
        self._dispatcher.kill()

    def _too_late(self) -> ModelUnavailable:
        return ModelUnavailable(
            f'The server stops, and model {self._workers.name} has not answered in time.')

    def _ask(self, worker: WorkerProcess) -> None:
        try:
            with gevent.Timeout(_LONGEST_PING_S, _PingHangs):
                answer = worker.exchange(Ping())
        except WorkerGone:
            return
        except _PingHangs:
            self._sick = f'its ping did not return within {_LONGEST_PING_S:.0f} s'
            worker.abort()
            return
        self._workers.release(worker)
        if isinstance(answer, Pong):
            self._sick = answer.reason

    def _dispatch(self) -> None:
        while True:
            # A request stays in the queue until there is a worker for it.
            self._queue.peek()
            try:
                worker = self._workers.acquire()
            except MMSError as error:
                self._queue.get_nowait().answer.set_exception(error)
            else:
                gevent.spawn(self._run, self._queue.get_nowait(), worker)

    def _run(self, job: Job, worker: WorkerProcess) -> None:
        try:
            answer = self._exchange(job.request, worker)
        except WorkerGone as error:
            job.answer.set_exception(WorkerDied(
                f'The worker process of model {self._workers.name} died over this request '
                f'({error}); it is being replaced.'))
        except MMSError as error:
            job.answer.set_exception(error)
        else:
            if isinstance(answer, Failure):
                job.answer.set_exception(REQUEST_ERRORS[answer.error](answer.message))
            else:
                job.answer.set(answer)

    def _exchange(self, request: Request, worker: WorkerProcess) -> Message:
        for _ in range(_MOST_SENDS - 1):
            try:
                return worker.exchange(request)
            except NotSent:
                pass
            finally:
                self._workers.release(worker)
            worker = self._workers.acquire()
        try:
            return worker.exchange(request)
        finally:
            self._workers.release(worker)
