"""Asks one model's workers how they are, and has those replaced that are ill."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from typing import Callable, Optional, Protocol

import gevent

from mms.event_loop.guard import GuardedLoop, attempt
from mms.ipc.messages import Ping, Pong
from mms.pool.backoff import Pace
from mms.pool.health import Health
from mms.pool.process import WorkerProcess
from mms.pool.process_errors import NoAnswer, NotSent, WorkerGone, WorkerKilled

logger = logging.getLogger(__name__)

# A service's own ping is heard only this long: /ping answers while it hangs.
_PING_S = 0.05
# One that hangs for longer costs its worker.
_LONGEST_PING_S = 10.0
# Workers that nobody has asked for so long are asked without a /ping. A hook may be slow: one of
# a second takes a thirtieth of its worker's time.
_ROUND_S = 30.0
# Of the time of a model that is ill, new workers take a fifth at most.
_PAUSE_SHARE = 4.0


class ProbedWorkers(Protocol):
    """What is asked of those who keep the workers."""

    name: str

    @property
    def is_open(self) -> bool:
        """Whether they serve."""

    @property
    def here(self) -> Collection[WorkerProcess]:
        """All that are loaded."""

    @property
    def free(self) -> Collection[WorkerProcess]:
        """Those that have nothing to do."""

    def borrow(self, worker: WorkerProcess) -> None:
        """Take one that is free."""

    def release(self, worker: WorkerProcess) -> None:
        """Give it back."""


class Successors(Protocol):
    """What is asked of those who replace workers."""

    def take_out(self, worker: WorkerProcess, after_s: float) -> None:
        """End one that was borrowed, and put another in its place after a while."""

    def start_successor(self, worker: WorkerProcess,
                        why_not: Callable[[WorkerProcess], str]) -> None:
        """Start another one, which takes the place of the first if nothing speaks against it."""


class Probe:
    """Whether the workers of one model are well.

    Each is asked in turn for its service's ``ping``: one that is free at each :meth:`ill_health`,
    and each that was not asked for long by itself, a busy one when it is done. Where one is ill,
    the others are asked until one is well: then the ill one is replaced. While none is, all of
    them go on answering, and new ones are tried now and then.

    Parameters
    ----------
    workers
        Those who keep the workers.
    successors
        Those who put others in the place of workers that are ill.
    """

    def __init__(self, workers: ProbedWorkers, successors: Successors) -> None:
        self._workers = workers
        self._successors = successors
        self._health = Health(time.monotonic)
        self._pace = Pace(time.monotonic)
        self._examination: Optional[gevent.Greenlet] = None
        self._renewal: Optional[gevent.Greenlet] = None
        self._rounds: Optional[GuardedLoop] = None

    def start(self) -> None:
        """Look after the workers, also while nobody asks for their health."""
        self._rounds = GuardedLoop(f'the health of model {self._workers.name}', self._round)

    def stop(self) -> None:
        """Ask nobody any more."""
        if self._rounds is not None:
            self._rounds.kill()
        gevent.killall([greenlet for greenlet in (self._examination, self._renewal)
                        if greenlet is not None])

    def ill_health(self) -> str:
        """Why no worker is well; an empty string when one is. Asks, and waits a moment."""
        if self._workers.free:
            self._begin()
        if self._examination is not None:
            self._examination.join(timeout=_PING_S)
        return self._health.verdict(self._workers.here)

    def is_due(self, worker: WorkerProcess) -> bool:
        """Whether a worker that is free now is to be asked before it gets another request."""
        return self._health.is_due(worker) or self._health.has_well_peer(
            worker, self._workers.here)

    def ask(self, worker: WorkerProcess) -> None:
        """Ask a worker that was borrowed, and give it back; if any is ill, see about the others."""
        self._hear(worker)
        if self._health.ill(self._workers.here):
            self._begin()

    def why_refused(self, fresh: WorkerProcess) -> str:
        """Why a new worker must not take the place of one that has gone.

        Where others are well it has to be, too. Else it is as good as any, and is asked later.
        """
        if not self._is_any_well():
            return ''
        reason = self._first_answer(fresh)
        if reason and not fresh.gone:
            self._health.doubt(reason)
            self._begin()
        return reason

    def _is_any_well(self) -> bool:
        return any(self._health.is_well(worker) for worker in self._workers.here)

    def _begin(self) -> None:
        if self._examination is None or self._examination.ready():
            self._examination = gevent.spawn(
                attempt, f'the health of model {self._workers.name}', self._examine)

    def _examine(self) -> None:
        """Ask the next one, the others until one is well, and those that are ill once more."""
        self._ask_until_one_is_well()
        health = self._health
        for worker in health.ill(self._workers.here):
            if worker in self._workers.free and health.has_well_peer(
                    worker, self._workers.here):
                self._ask_free(worker)
        if health.ill(self._workers.here) and health.verdict(self._workers.here):
            self._begin_renewal()

    def _ask_until_one_is_well(self) -> None:
        asked: set[WorkerProcess] = set()
        while True:
            worker = self._health.next(set(self._workers.free) - asked)
            if worker is None:
                return
            asked.add(worker)
            if self._ask_free(worker):
                return

    def _ask_free(self, worker: WorkerProcess) -> bool:
        """Ask a worker that is free; whether it is well."""
        self._workers.borrow(worker)
        return self._hear(worker)

    def _hear(self, worker: WorkerProcess) -> bool:
        try:
            return self._settle(worker, _answer_of(worker))
        except BaseException:
            # Nobody knows what it would answer next, nor who has it.
            worker.abort()
            raise

    def _settle(self, worker: WorkerProcess, reason: Optional[str]) -> bool:
        """Act on a worker's answer; whether it is well."""
        if worker.gone:
            if reason:
                self._health.lost(reason)
            return False
        assert reason is not None
        if self._health.heard(worker, reason):
            logger.warning('Worker %d of model %s is ill: %s', worker.pid, self._workers.name,
                           reason)
        if self._health.has_well_peer(worker, self._workers.here):
            logger.warning('Worker %d of model %s is replaced, since others are well.',
                           worker.pid, self._workers.name)
            self._successors.take_out(worker, self._pace.next_s(len(self._workers.here)))
        else:
            self._workers.release(worker)
        return not reason

    def _round(self) -> None:
        """Ask those that nobody has asked for long."""
        gevent.sleep(_ROUND_S)
        if not self._workers.is_open:
            return
        self._health.keep(self._workers.here)
        for worker in self._health.unasked_for(_ROUND_S, self._workers.free):
            if worker in self._workers.free:
                self._ask_free(worker)
        if self._health.ill(self._workers.here):
            self._begin()

    def _begin_renewal(self) -> None:
        if self._renewal is None or self._renewal.ready():
            self._renewal = gevent.spawn(
                attempt, f'the replacement of workers of model {self._workers.name}', self._renew)

    def _renew(self) -> None:
        """While none is well: try a new one, and again after a while."""
        took_s = 0.0
        while self._health.verdict(self._workers.here):
            ill = self._health.ill(self._workers.here)
            if not ill:
                return
            gevent.sleep(max(self._pace.next_s(1), _PAUSE_SHARE * took_s))
            began = time.monotonic()
            if self._workers.is_open:
                self._successors.start_successor(ill[0], self._first_answer)
            took_s = time.monotonic() - began
            self._begin()
            if self._examination is not None:
                self._examination.join()

    def _first_answer(self, fresh: WorkerProcess) -> str:
        """Why a worker is ill that has just been started; it is nobody's yet."""
        reason = _answer_of(fresh)
        if fresh.gone:
            if reason:
                self._health.lost(reason)
            return reason or 'its process was ended before it said how it is'
        assert reason is not None
        self._health.heard(fresh, reason)
        return reason


def _answer_of(worker: WorkerProcess) -> Optional[str]:
    """Why a worker is ill; an empty string when it is well, None when its end says nothing."""
    try:
        answer = worker.exchange(Ping(), _LONGEST_PING_S)
    except (NotSent, WorkerKilled):
        return None
    except WorkerGone as error:
        return f'its ping ended its worker ({error})'
    except NoAnswer:
        worker.abort()
        return f'its ping did not return within {_LONGEST_PING_S:.0f} s'
    assert isinstance(answer, Pong)
    return answer.reason
