"""Requests that run together on one worker, and what bounds them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Optional, Union

import gevent

from mms.ipc.messages import TRIAL, Answered, More, Result, Work
from mms.ipc.request import Reply
from mms.pool.process import WorkerProcess
from mms.pool.process_errors import NoAnswer, NotSent, WorkerGone
from mms.serving.queue import Job


class Limits(NamedTuple):
    """What bounds the requests of one model.

    Attributes
    ----------
    queue_size
        Requests that may wait for a worker.
    request_timeout_s
        Seconds that a request may take in all, and a worker over what it has in hand.
    max_batch_delay_s
        Seconds that a request may wait for others to run with.
    """

    queue_size: int
    request_timeout_s: float
    max_batch_delay_s: float = 0.0


class Batch:
    """Jobs that a worker has in hand.

    Parameters
    ----------
    jobs
        The jobs, in order.
    how
        How the worker is to run them.
    room
        How many more may join them on the way.
    """

    def __init__(self, jobs: list[Job], how: str, room: int) -> None:
        self.jobs = jobs
        self.how = how
        self._room = room
        # So many of the first the worker has whole.
        self._given = 0

    def run(self, worker: WorkerProcess, limit_s: float, trial_limit_s: Callable[[], float],
            join: Callable[[int], list[Job]]) -> Result:
        """Let a worker answer the jobs, and those that join them on the way.

        Parameters
        ----------
        limit_s
            Seconds that the worker may take over what it is given at a time.
        trial_limit_s
            Seconds that it may go on comparing when every job has its answer.
        join
            At most so many jobs that join now.

        Raises
        ------
        WorkerGone
            It has ended, or was ended because it took too long.
        """
        answer = self._exchange(worker, self.jobs, limit_s, trial_limit_s)
        while isinstance(answer, More):
            self._given = len(self.jobs)
            more = join(answer.room)
            self.jobs += more
            self._room = answer.room - len(more) if more else 0
            answer = self._exchange(worker, more, limit_s, trial_limit_s)
        return answer

    def settle(self, part: Answered) -> None:
        """Give each answer to whoever waits for it."""
        for place, answer in zip(part.places, part.answers):
            self.jobs[place].settle(answer)

    def stage_times_ms(self) -> list[Mapping[str, float]]:
        """How long each job took that has an answer, and no error."""
        answers = [job.answer.value for job in self.jobs]
        return [answer.stage_times_ms for answer in answers if isinstance(answer, Reply)]

    def unanswered(self) -> list[Job]:
        """Jobs that have no answer yet."""
        return [job for job in self.jobs if not job.answer.ready()]

    def may_have_run(self, job: Job, error: WorkerGone) -> bool:
        """Whether the worker had a job before it ended so."""
        return not isinstance(error, NotSent) or job in self.jobs[:self._given]

    def _exchange(self, worker: WorkerProcess, jobs: Sequence[Job], limit_s: float,
                  trial_limit_s: Callable[[], float]) -> Union[More, Result]:
        limit: Optional[gevent.Greenlet] = None

        def settle(part: Answered) -> None:
            nonlocal limit
            self.settle(part)
            if self.how == TRIAL and limit is None and not self.unanswered():
                # From now on nobody waits for the worker but others.
                limit = gevent.spawn_later(trial_limit_s(), worker.abort)

        now = time.monotonic()
        for job in jobs:
            job.caller.served_after(now - job.arrived)
        work = Work([job.request for job in jobs], self.how, self._room)
        try:
            answer = worker.exchange(work, limit_s, on_part=settle)
        except NoAnswer as error:
            worker.abort()
            raise WorkerGone(str(error)) from error
        finally:
            if limit is not None:
                limit.kill(block=False)
        assert isinstance(answer, (More, Result))
        return answer
