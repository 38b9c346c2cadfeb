"""Makes the workers of one model those that it is to have: spawns, replaces, retires and reaps."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Callable, Optional

import gevent
from gevent.event import Event

from mms.errors import MMSError, ServiceError
from mms.event_loop.guard import BackgroundTasks, GuardedLoop
from mms.event_loop.uninterrupted import uninterrupted
from mms.log.request_ids import Marks, about
from mms.metrics.observer import Restart
from mms.pool.backoff import StartFailures
from mms.pool.process import WorkerProcess
from mms.pool.reconcile import DesiredState, Pause, agree, reconcile
from mms.pool.worker import COMING, Worker, WorkerKind, WorkerState
from mms.pool.workers import Workers

logger = logging.getLogger(__name__)

# A worker that was forked for a load that has gone is kept this long.
_KEEP_IDLE_S = 60.0
# Workers that die as soon as they are ready never become as many as they are to be.
_LONGEST_WAIT_S = 60.0
# Before the next try, where the server itself failed over a start.
_FAULT_PAUSE_S = 0.5


class Reconciler:
    """Compares the workers that a model is to have with those that it has, and acts on that.

    Parameters
    ----------
    model
        The model's name, for the log.
    workers
        Those that it has.
    start
        Starts the process of a worker, and waits until it is ready.
    why_refused
        Why a new worker must not replace another; an empty string if it may.
    on_change
        Called when another request may have its turn, or never will.
    on_death
        Called with why the process of a worker has ended by itself, or was killed.
    """

    def __init__(self, model: str, workers: Workers, start: Callable[[Worker], WorkerProcess],
                 why_refused: Callable[[WorkerProcess], str],
                 on_change: Callable[[], None],
                 on_death: Callable[[Restart], None] = lambda reason: None) -> None:
        self._model = model
        self._workers = workers
        self._start = start
        self._why_refused = why_refused
        self._on_change = on_change
        self._on_death = on_death
        self._desired = DesiredState()
        self._best_effort = False
        self._pauses: list[Pause] = []
        self._failures = StartFailures(model)
        self._wake = Event()
        self._agreed = Event()
        self._stopped = False
        self._loop: Optional[GuardedLoop] = None
        what = f'the workers of model {model}'
        self._starting = BackgroundTasks(what)
        self._closing = BackgroundTasks(f'the end of a worker of model {model}')
        self._telling = BackgroundTasks(f'the death of a worker of model {model}')

    @property
    def desired(self) -> DesiredState:
        """The workers that there are to be."""
        return self._desired

    @property
    def agrees(self) -> bool:
        """Whether the workers are those that there are to be."""
        return agree(self._desired, self._workers.all)

    @property
    def failure(self) -> str:
        """Why no worker starts; empty until several have failed one after another."""
        return self._failures.reason

    def run(self) -> None:
        """From now on see to the workers, whatever becomes of them."""
        self._loop = GuardedLoop(f'the workers of model {self._model}', self._turn, self._wake.set)
        self._wake.set()

    def want(self, desired: DesiredState, best_effort: bool = False) -> None:
        """Have other workers from now on.

        Parameters
        ----------
        best_effort
            A worker that does not start is wanted no more.
        """
        self._desired = desired
        self._best_effort = best_effort
        if not self._stopped:
            self._agreed.clear()
        self._wake.set()

    def pause(self, kind: WorkerKind, seconds: float) -> None:
        """Do not start the next worker of a kind that is missing for a while."""
        if seconds > 0:
            self._pauses.append(Pause(kind, time.monotonic() + seconds))

    def is_paused(self, kind: WorkerKind) -> bool:
        """Whether one of a kind is not started for a while."""
        self._forget_pauses()
        return any(pause.kind == kind for pause in self._pauses)

    def await_agreement(self) -> None:
        """Wait until the workers are those that there are to be, but not for ever."""
        self._agreed.wait(_LONGEST_WAIT_S)

    def spawn(self, kind: WorkerKind, why_not: Callable[[WorkerProcess], str] = lambda _: '',
              in_place_of: Optional[Worker] = None) -> None:
        """Start a worker and wait until it is there; `in_place_of` is to go then.

        Raises
        ------
        ServiceError
            It does not start, or something speaks against it.
        """
        self._bring_up(self._workers.add(kind), why_not, in_place_of)

    def spawn_all(self, kinds: Sequence[WorkerKind]) -> None:
        """Start a worker of each kind; the first that does not start ends the others.

        Raises
        ------
        ServiceError
        """
        starts = [gevent.spawn(self.spawn, kind) for kind in kinds]
        try:
            gevent.joinall(starts, raise_error=True)
        except BaseException:
            uninterrupted(lambda: self._give_up(starts))
            raise

    def replace(self, worker: Worker) -> None:
        """Have another worker in the place of one that serves until then."""
        worker.replace()
        self._wake.set()

    def end(self, worker: Worker) -> None:
        """Let a worker go that has nothing to do."""
        worker.turn_to(WorkerState.CLOSING)
        # One fewer is busy: another may begin.
        self._on_change()
        self._closing.spawn(self._close, worker)
        self._wake.set()

    def reap(self) -> None:
        """See to the workers that have ended, or end with their template, and of whose end nobody
        has told.
        """
        for worker in self._workers.loaded:
            if worker.process.gone:
                self.died(worker.process)

    def take_out(self, worker: Worker, after_s: float) -> None:
        """Let a worker go that has nothing to do, and start another in its place after a while."""
        self.end(worker)
        self._schedule_replacement(worker, after_s)

    def died(self, process: WorkerProcess) -> None:
        """A process has ended by itself."""
        worker = self._workers.of(process)
        if worker is None or worker.state is WorkerState.CLOSING:
            return
        worker.turn_to(WorkerState.GONE)
        if self._stopped:
            return
        # Whoever waits may now have to take another kind.
        self._on_change()
        self._on_death(Restart.TIMEOUT if process.was_aborted else Restart.DIED)
        self._schedule_replacement(worker, self._failures.died(process.was_used))
        self._wake.set()
        # Nobody else waits until the system has ended it.
        self._telling.spawn(self._tell_death, process, about(process.in_hand.contexts()))

    def stop(self, how: Callable[[WorkerProcess], None]) -> None:
        """End every worker; those that are being started are killed."""
        self._stopped = True
        self._agreed.set()
        if self._loop is not None:
            self._loop.kill()
        self._starting.kill()
        self._end_all(how)
        self._closing.join()

    def _turn(self) -> None:
        """Do what is to be done, when something has changed or a pause is over."""
        self._wake.wait(self._longest_wait_s())
        self._wake.clear()
        self.reap()
        self._let_temporary_go()
        self._forget_pauses()
        actions = reconcile(self._desired, self._workers.all, self._pauses)
        for kind in actions.spawn:
            self._begin(self._start_missing, kind)
        for kind in actions.replace:
            self._begin(self._start_replacement, kind)
        for worker in actions.retire:
            self._retire(worker)
        if self.agrees:
            self._agreed.set()
            self._forget_pauses_of_nobody()

    def _longest_wait_s(self) -> float:
        """Until the first pause is over; not for ever, whatever became of those who were to tell
        of a change.
        """
        first = min((pause.until for pause in self._pauses), default=float('inf'))
        return max(0.0, min(_KEEP_IDLE_S / 4, first - time.monotonic()))

    def _forget_pauses(self) -> None:
        now = time.monotonic()
        self._pauses = [pause for pause in self._pauses if pause.until > now]

    def _forget_pauses_of_nobody(self) -> None:
        """None is missing: the next that is has not to wait for one that is wanted no more."""
        self._pauses = [pause for pause in self._pauses if not pause.kind.permanent]

    def _let_temporary_go(self) -> None:
        """Want no worker any more that was forked for a load that has gone."""
        before = time.monotonic() - _KEEP_IDLE_S
        for worker in list(self._workers.idle):
            if not worker.kind.permanent and worker.since < before:
                self._desired = self._desired.minus(worker.kind)

    def _retire(self, worker: Worker) -> None:
        if worker.state is WorkerState.IDLE:
            self.end(worker)
        else:
            worker.turn_to(WorkerState.RETIRING)

    def _begin(self, duty: Callable[[Worker], None], kind: WorkerKind) -> None:
        worker = self._workers.add(kind)
        self._starting.spawn(duty, worker).link(
            lambda greenlet: self._is_over(worker, greenlet.value is not False))

    def _is_over(self, worker: Worker, went_well: bool) -> None:
        """A worker was started, or not, whatever became of who was to do it."""
        if worker.state in COMING:
            worker.turn_to(WorkerState.GONE)
        if not went_well:
            self.pause(worker.kind, _FAULT_PAUSE_S)
        self._wake.set()

    def _start_missing(self, worker: Worker) -> None:
        """Start a worker that is missing."""
        if self._has_started(worker) and worker.kind.permanent:
            logger.info('Model %s has a new worker, PID %d%s.', self._model, worker.process.pid,
                        _where(worker.process))

    def _start_replacement(self, worker: Worker) -> None:
        """Start a worker in the place of one that still serves."""
        self._has_started(worker, is_successor=True)

    def _has_started(self, worker: Worker, is_successor: bool = False) -> bool:
        try:
            self._bring_up(worker, self._why_refused if worker.kind.permanent else lambda _: '')
        except Exception as error:
            self._not_started(worker.kind, error, is_successor)
            return False
        return True

    def _bring_up(self, worker: Worker, why_not: Callable[[WorkerProcess], str],
                  in_place_of: Optional[Worker] = None) -> None:
        try:
            process = self._start(worker)
            try:
                self._admit(worker, process, why_not(process))
            except BaseException:
                uninterrupted(process.kill)
                raise
        except BaseException:
            worker.turn_to(WorkerState.GONE)
            # The one that it was to relieve may have gone meanwhile.
            self._wake.set()
            raise
        if in_place_of is not None:
            in_place_of.replace()
        self._failures.started()
        self._on_change()
        self._wake.set()

    def _admit(self, worker: Worker, process: WorkerProcess, reason: str) -> None:
        if self._stopped:
            reason = 'its model is being stopped'
        elif process.gone:
            reason = reason or 'it ended when it was ready'
        if reason:
            raise ServiceError(reason)
        self._workers.admit(worker, process)

    def _not_started(self, kind: WorkerKind, error: Exception, is_successor: bool) -> None:
        # Were one fewer wanted then, the one that serves would go without a successor.
        if (self._best_effort and not is_successor) or not kind.permanent:
            logger.debug('Model %s: no worker on %d threads (%s)', self._model, kind.threads,
                         error)
            self._desired = self._desired.minus(kind)
            self.pause(kind, 0.0 if kind.permanent else _KEEP_IDLE_S)
            return
        logger.error('A worker of model %s did not start: %s', self._model, error,
                     exc_info=None if isinstance(error, MMSError) else error)
        self.pause(kind, self._failures.failed(error))
        if self.failure:
            self._on_change()

    def _schedule_replacement(self, worker: Worker, after_s: float) -> None:
        """One has gone for which no other is on its way."""
        if not worker.kind.permanent:
            self._desired = self._desired.minus(worker.kind)
        elif not worker.is_to_be_replaced:
            self.pause(worker.kind, after_s)

    def _tell_death(self, process: WorkerProcess, about_its_requests: dict[str, Marks]) -> None:
        logger.warning('Worker %d of model %s%s died; it is being replaced. How it ended: %s.',
                       process.pid, self._model, _where(process), process.how_it_ends(),
                       extra=about_its_requests)

    def _close(self, worker: Worker) -> None:
        try:
            worker.process.close()
        finally:
            self._has_gone(worker)
            self._wake.set()

    def _give_up(self, starts: Sequence[gevent.Greenlet]) -> None:
        gevent.killall(starts)
        self._end_all(WorkerProcess.kill)

    def _end_all(self, how: Callable[[WorkerProcess], None]) -> None:
        workers = self._workers.admitted
        for worker in workers:
            if worker.state is not WorkerState.CLOSING:
                worker.turn_to(WorkerState.CLOSING)
        gevent.joinall([gevent.spawn(how, worker.process) for worker in workers])
        for worker in workers:
            self._has_gone(worker)

    def _has_gone(self, worker: Worker) -> None:
        if worker.state is not WorkerState.GONE:
            worker.turn_to(WorkerState.GONE)


def _where(process: WorkerProcess) -> str:
    return f' on {process.device}' if process.device else ''
