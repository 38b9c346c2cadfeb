"""The requests that wait for a worker of one model."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple, Optional

from gevent.event import AsyncResult, Event

from mms.errors import REQUEST_ERRORS
from mms.ipc.request import Answer, Failure, Request
from mms.serving.caller import Caller


class QueueGauges(NamedTuple):
    """How the queue of a model stands.

    Attributes
    ----------
    waiting
        Requests that wait for a worker.
    oldest_s
        Seconds that the oldest of them has waited; 0 where none waits.
    unanswered
        Requests that have no answer yet, those that wait included.
    """

    waiting: int = 0
    oldest_s: float = 0.0
    unanswered: int = 0


class Job:
    """A request, and where its answer goes.

    Attributes
    ----------
    arrived
        When it came, in monotonic seconds.
    caller
        Who waits for the answer.
    over
        Nobody waits for the answer any more.
    tries
        Workers that have ended while it was theirs, or on its way to them; with any, it runs alone.
    deaths
        Those of them that had it whole.
    """

    __slots__ = ('answer', 'arrived', 'caller', 'deaths', 'over', 'request', 'tries')

    def __init__(self, request: Request, caller: Caller, arrived: float) -> None:
        self.request = request
        self.caller = caller
        self.arrived = arrived
        self.answer = AsyncResult()
        self.tries = 0
        self.deaths = 0
        self.over = False

    def settle(self, answer: Answer) -> None:
        """Give the answer to whoever waits for it."""
        if isinstance(answer, Failure):
            self.answer.set_exception(REQUEST_ERRORS[answer.error](answer.message))
        else:
            self.answer.set(answer)

    def fail(self, error: Exception) -> None:
        """Give an error to whoever waits for the answer."""
        self.answer.set_exception(error)


class Waiting:
    """Oldest first; what nobody waits for any more is passed over.

    Parameters
    ----------
    on_left
        Called with each job whose client has left before its turn.
    """

    def __init__(self, on_left: Callable[[Job], None]) -> None:
        self._jobs: deque[Job] = deque()
        self._on_left = on_left
        self.arrived = Event()

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs)

    @property
    def oldest_s(self) -> float:
        """Seconds that the oldest has waited; 0 where none waits."""
        return time.monotonic() - self._jobs[0].arrived if self._jobs else 0.0

    def put(self, job: Job) -> None:
        """Add a job that has just come."""
        self._jobs.append(job)
        self.arrived.set()

    def put_back(self, job: Job) -> None:
        """Add one that had its turn already, before all others."""
        self._jobs.appendleft(job)
        self.arrived.set()

    def drop(self, job: Job) -> None:
        """Forget a job that nobody waits for any more."""
        with suppress(ValueError):
            self._jobs.remove(job)

    def wait(self) -> None:
        """Wait until there is a job."""
        while not self._jobs:
            self.arrived.clear()
            self.arrived.wait()

    def next(self) -> Optional[Job]:
        """Take the oldest job."""
        while self._jobs:
            job = self._jobs.popleft()
            if job.over:
                continue
            if not job.caller.has_left():
                return job
            self._on_left(job)
        return None

    def take(self, most: int) -> list[Job]:
        """Take the oldest jobs, up to the first one that has to run alone."""
        jobs: list[Job] = []
        while len(jobs) < most and self._jobs:
            if self._jobs[0].tries:
                break
            job = self.next()
            if job is not None:
                jobs.append(job)
        return jobs
