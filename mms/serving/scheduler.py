"""One model's queue: oldest request first, to the next worker that is free, in batches."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Optional, Union

import gevent
from gevent.event import Event

from mms.batching.demand import Demand
from mms.batching.policy import (
    batch_in_time,
    fair_share,
    largest_batch,
    quick_batch,
    retry_after_s,
    trial_size,
    trial_timeout_s,
)
from mms.batching.trust import Trust
from mms.errors import (
    ClientLeft,
    MMSError,
    ModelUnavailable,
    QueueFull,
    RequestError,
    WorkerDied,
)
from mms.event_loop.guard import GuardedLoop, attempt
from mms.ipc.messages import ALONE, JOINT, TRIAL, Result
from mms.ipc.request import Entries, Reply, Request
from mms.metrics.observer import Observer, Unobserved
from mms.pool.process import WorkerProcess
from mms.pool.process_errors import WorkerGone
from mms.pool.supervisor import Supervisor
from mms.serving.batch import Batch, Limits
from mms.serving.caller import Caller
from mms.serving.entries import answer_entries, no_entries
from mms.serving.patience import Patience
from mms.serving.queue import Job, QueueGauges, Waiting

logger = logging.getLogger(__name__)

# A worker that ends with requests in hand may have ended of any of them, or of none: each is
# given to one more, alone. One that ends before it has a request whole has not ended of it, and
# yet it is not sent for ever.
_MOST_DEATHS = 2
_MOST_TRIES = 4
# Weight of the newest in the running average of how long a request runs.
_NEWEST = 0.1


class Scheduler:
    """Brings requests for one model to its workers.

    Parameters
    ----------
    workers
        The model's workers, started.
    limits
        Of queue and time.
    threads
        On how many threads a worker had best compute now.
    observer
        Is told of each batch.
    """

    def __init__(self, workers: Supervisor, limits: Limits,
                 threads: Callable[[], int] = lambda: 1,
                 observer: Optional[Observer] = None) -> None:
        self._workers = workers
        self._limits = limits
        self._patience = Patience(workers.name, limits.request_timeout_s)
        self._threads = threads
        self._observer = observer or Unobserved()
        ready = workers.ready
        self._trust = Trust(ready.batch_size, ready.proven, ready.why_alone)
        self._waiting = Waiting(self._caller_left)
        self._unanswered: set[Job] = set()
        self._each_s = 0.0
        # Why, or nothing while it goes on.
        self._given_up = ''
        self._quiet = Event()
        self._quiet.set()
        self._running: set[Batch] = set()
        self.demand = Demand(time.monotonic)
        self._dispatcher = GuardedLoop(f'the queue of model {workers.name}', self._dispatch,
                                       self._dispatch_failed)

    @property
    def gauges(self) -> QueueGauges:
        """How the queue stands."""
        return QueueGauges(len(self._waiting), self._waiting.oldest_s, len(self._unanswered))

    def submit(self, request: Request, caller: Optional[Caller] = None) -> Reply:
        """Wait for a worker, and for its answer; where it has found that the request is several,
        for those of its entries.

        Parameters
        ----------
        caller
            Who waits for it; None for somebody who stays.

        Raises
        ------
        BadRequest, PayloadTooLarge, InferenceError, WorkerDied, ModelUnavailable, QueueFull,
        DeadlineExceeded, ClientLeft
        """
        return self._submit(request, caller or Caller(), self._answer_entries)

    def _submit(self, request: Request, caller: Caller,
                answer_entries: Callable[[Entries, Request, Caller], Reply]) -> Reply:
        if self._given_up:
            raise self._too_late()
        if len(self._waiting) >= self._limits.queue_size:
            raise self._full()
        job = Job(request, caller, time.monotonic())
        self._unanswered.add(job)
        self._quiet.clear()
        self.demand.add(1)
        self._waiting.put(job)
        try:
            # Not get(): what gevent raises there has this frame in its traceback, and is kept in
            # one of gevent's. The request would stay until Python collects its garbage.
            job.answer.wait(self._patience.left_s(request.context))
            if not job.answer.ready():
                raise self._patience.over(request.context)
            if job.answer.exception is not None:
                raise job.answer.exception
            answer: Union[Reply, Entries] = job.answer.value
            # Whoever drains the queue waits for the entries too: this has no answer before.
            reply = answer if isinstance(answer, Reply) else answer_entries(
                answer, request, caller)
        finally:
            job.over = True
            if not job.answer.ready():
                # Nobody waits for it: its time is over, or another entry of its request has failed.
                self._waiting.drop(job)
            self.demand.add(-1)
            self._unanswered.discard(job)
            if not self._unanswered:
                self._quiet.set()
            # For the same reason.
            del job
        return reply

    def learn(self) -> None:
        """Go by what is known of the workers now."""
        ready = self._workers.ready
        self._trust.learn(ready.batch_size, ready.proven, ready.why_alone)

    def ill_health(self) -> str:
        """Why the model cannot answer; an empty string when it can. See :class:`Probe`."""
        sick = self._workers.probe.ill_health()
        return self._dispatcher.ill_health() or self._workers.ill_health() or sick

    @property
    def batch_size(self) -> int:
        """Most requests that run together."""
        return self._trust.batch_size

    @property
    def why_alone(self) -> str:
        """Why requests run one by one; an empty string where they may run together."""
        return self._trust.refusal

    def drain(self, timeout_s: float) -> bool:
        """Wait until each request has its answer, `timeout_s` at most; whether that is so."""
        return bool(self._quiet.wait(timeout_s))

    def give_up(self, why: str = 'The server stops') -> None:
        """Answer every request that has no answer yet, or comes yet: nobody waits for it longer.

        Parameters
        ----------
        why
            For whoever has asked.
        """
        self._given_up = why
        self._dispatcher.kill()
        for job in self._unanswered:
            job.fail(self._too_late())

    def stop(self) -> None:
        """Stop dispatching; the queue must be empty, or its requests get no answer."""
        self._dispatcher.kill()

    def _answer_entries(self, entries: Entries, request: Request, caller: Caller) -> Reply:
        asked = replace(request, context=self._patience.of_entries(request.context))
        return answer_entries(entries, asked, caller,
                              partial(self._submit, answer_entries=no_entries),
                              lambda: self._entries_at_once)

    @property
    def _entries_at_once(self) -> int:
        """As many as keep all workers busy: those of others come between.

        Where the load decides how many workers there are, it has to show: all that there are have
        full batches, and one more waits.
        """
        workers, bounds = self._workers.size.workers, self._workers.bounds
        may_grow = bounds is not None and workers < bounds[1]
        wanted = workers * self.batch_size + 1 if may_grow else max(workers, self.batch_size)
        return min(wanted, self._limits.queue_size)

    def _too_late(self) -> ModelUnavailable:
        return ModelUnavailable(
            f'{self._given_up}, and model {self._workers.name} has not answered in time.')

    def _full(self) -> QueueFull:
        waiting = len(self._waiting)
        return QueueFull(
            f'{waiting} requests wait for model {self._workers.name} already (--queue-size).',
            retry_after_s(waiting, self._each_s, self._workers.size.workers))

    def _caller_left(self, job: Job) -> None:
        job.fail(ClientLeft(
            f'The client has left before model {self._workers.name} had time for it.'))

    def _dispatch(self) -> None:
        """Give the oldest requests to a worker; each stays in the queue until there is one."""
        self._waiting.wait()
        try:
            worker = self._workers.acquire(self._threads())
        except MMSError as error:
            job = self._waiting.next()
            if job is not None:
                job.fail(error)
            return
        try:
            self._wait_for_company()
            batch = self._next_batch(self._workers.idle_beside(worker) + 1)
            if batch is not None:
                gevent.spawn(self._run, batch, worker)
                self._running.add(batch)
                return
        except BaseException:
            self._workers.release(worker)
            raise
        self._workers.release(worker)

    def _dispatch_failed(self) -> None:
        self._answer_lost()
        if self._dispatcher.ill_health():
            for job in list(self._waiting):
                self._waiting.drop(job)
                job.fail(self._failure())

    def _answer_lost(self) -> None:
        """Answer requests that were taken from the queue, and that no worker has."""
        in_hand = {job for batch in self._running for job in batch.jobs}
        for job in self._unanswered - in_hand - set(self._waiting):
            if not job.answer.ready():
                job.fail(self._failure())

    def _failure(self) -> RequestError:
        return RequestError(f'The server itself failed over this request of model '
                            f'{self._workers.name}; its log says how.')

    def _wait_for_company(self) -> None:
        """What ``--max-batch-delay`` asks for."""
        oldest = next(iter(self._waiting), None)
        while oldest and self._limits.max_batch_delay_s and \
                len(self._waiting) < self._trust.batch_size:
            left_s = oldest.arrived + self._limits.max_batch_delay_s - time.monotonic()
            self._waiting.arrived.clear()
            if left_s <= 0 or not self._waiting.arrived.wait(left_s):
                return

    def _next_batch(self, free_workers: int) -> Optional[Batch]:
        first = self._waiting.next()
        if first is None:
            return None
        most = self._trust.batch_size
        if first.tries or most < 2:
            return Batch([first], ALONE, 0)
        peak = self.demand.peak()
        quick = quick_batch(most, self._each_s)
        if not self._limits.max_batch_delay_s:
            most = max(quick, largest_batch(peak, self._workers.alive, most))
        most = batch_in_time(most, self._each_s, self._limits.request_timeout_s)
        waiting = len(self._waiting) + 1
        share = max(min(waiting, quick), fair_share(waiting, free_workers, most))
        if self._trust.allows() and not (share > 1 and self._trust.wants_recheck()):
            jobs = [first, *self._waiting.take(share - 1)]
            # A lone client sends nothing more while it waits. What is over in a moment had better
            # run than wait until the front has time to say who else is there.
            room = most - len(jobs) if peak > len(jobs) > quick else 0
            return Batch(jobs, JOINT, room)
        share = trial_size(share, self._each_s, self._limits.request_timeout_s)
        jobs = [first, *self._waiting.take(share - 1)]
        return Batch(jobs, TRIAL if len(jobs) > 1 else ALONE, 0)

    def _run(self, batch: Batch, worker: WorkerProcess) -> None:
        went_well = attempt(f'a batch of model {self._workers.name}', self._answer, batch, worker)
        self._running.discard(batch)
        if not went_well:
            self._answer_lost()

    def _answer(self, batch: Batch, worker: WorkerProcess) -> None:
        started = time.monotonic()
        try:
            result = self._work(batch, worker)
        except WorkerGone as error:
            if batch.how == TRIAL and not batch.unanswered():
                self._tell_refusal(self._trust.lost())
            self._retry(batch, error)
            return
        except BaseException:
            # Half way: nobody knows what it would answer next.
            worker.abort()
            raise
        finally:
            self._workers.release(worker)
        self._learn(batch, result, time.monotonic() - started)
        if len(self._waiting):
            # The worker gets its next batch before the answers of this one are written.
            gevent.sleep(0)
        batch.settle(result)
        self._observer.executed(self._workers.name, batch.stage_times_ms())

    def _work(self, batch: Batch, worker: WorkerProcess) -> Result:
        """Let a worker answer a batch."""
        limit_s = self._limits.request_timeout_s

        def join(room: int) -> list[Job]:
            return self._waiting.take(fair_share(
                len(self._waiting), self._workers.idle_beside(worker) + 1, room))

        return batch.run(worker, limit_s, lambda: trial_timeout_s(
            len(batch.jobs), self._each_s, limit_s), join)

    def _retry(self, batch: Batch, error: WorkerGone) -> None:
        """A worker has gone with these jobs in hand: each gets another, alone."""
        for job in reversed(batch.unanswered()):
            job.tries += 1
            job.deaths += batch.may_have_run(job, error)
            if job.deaths < _MOST_DEATHS and job.tries < _MOST_TRIES:
                self._waiting.put_back(job)
            else:
                job.fail(WorkerDied(
                    f'The worker process of model {self._workers.name} died over this request '
                    f'({error}); it is being replaced.'))

    def _learn(self, batch: Batch, result: Result, took_s: float) -> None:
        self._observer.batch(self._workers.name, len(batch.jobs))
        each_s = took_s / len(batch.jobs)
        self._each_s += _NEWEST * (each_s - self._each_s) if self._each_s else each_s
        if batch.how == ALONE:
            return
        self._tell_refusal(self._trust.heard(result.compared, result.refusal))

    def _tell_refusal(self, refusal: Optional[str]) -> None:
        if refusal:
            logger.info('Model %s is served one request at a time: %s.', self._workers.name,
                        refusal)
