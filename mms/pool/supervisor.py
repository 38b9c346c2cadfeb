"""One model's workers as the rest of the server sees them: start, scale, acquire, release, stop."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any, Callable, Optional

from gevent.event import Event

from mms.devices.device import Device
from mms.errors import ModelUnavailable, ServiceError
from mms.event_loop.guard import BackgroundTasks, attempt
from mms.ipc.findings import Findings
from mms.ipc.messages import Load, Ready
from mms.metrics.observer import Restart
from mms.pool.probe import Probe
from mms.pool.process import WorkerProcess
from mms.pool.reconcile import DesiredState
from mms.pool.reconciler import Reconciler
from mms.pool.settings import PoolSettings
from mms.pool.sizing import FEWEST_MEASURED, PoolSize, best_size
from mms.pool.starter import WorkerStarter
from mms.pool.throughput import requests_per_s
from mms.pool.worker import COMING, SERVING, Worker, WorkerKind, WorkerState
from mms.pool.workers import Workers

logger = logging.getLogger(__name__)

_NOBODY: Counter[Optional[Device]] = Counter()
# A model that has been without a worker for longer is called ill.
_REPLACEMENT_GRACE_S = 10.0


class _State(Enum):
    LOADING = 'loading'
    SERVING = 'serving'
    MEASURING = 'measuring'
    STOPPING = 'stopping'


class _Disturbed(Exception):
    """Requests came while workers were measured."""


class Supervisor:
    """The workers of one model.

    Parameters
    ----------
    load
        What every process is told to load.
    settings
        How many there are to be, and when one has served long enough.
    prepare
        Called before a process loads the model: sees that its files are there.

    Attributes
    ----------
    name
        The model's endpoint.
    probe
        Asks the workers how they are.
    """

    def __init__(self, load: Load, settings: PoolSettings,
                 prepare: Callable[[], None] = lambda: None) -> None:
        self.name = load.endpoint
        self._size = PoolSize(1, 1, (), '')
        self._settings = settings
        self._starter = WorkerStarter(load, settings, prepare)
        self._workers = Workers()
        self._changed = Event()
        self._asking = BackgroundTasks(f'the workers of model {self.name}')
        self._state = _State.LOADING
        self._is_wanted = False
        self.probe = Probe(self)
        self._reconciler = Reconciler(self.name, self._workers, self._started,
                                      self.probe.why_refused, self._changed.set, self._count)

    @property
    def ready(self) -> Ready:
        """What the model's latest process said of it."""
        return self._starter.ready

    @property
    def signature(self) -> dict[str, Any]:
        """The model's live signature."""
        return self.ready.signature

    @property
    def size(self) -> PoolSize:
        """How many workers the model is to have, and why."""
        return self._size

    @property
    def load_message(self) -> Load:
        """What its processes are told to load."""
        return self._starter.load_message

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that are loaded."""
        return [worker.process.pid for worker in self._workers.loaded]

    @property
    def template_pid(self) -> Optional[int]:
        """Process id of the template, if there is one."""
        return self._starter.template_pid

    @property
    def on_devices(self) -> bool:
        """Whether each worker has a device of its own."""
        return bool(self._settings.devices)

    @property
    def alive(self) -> int:
        """How many workers answer at the same time under load, but for those being replaced."""
        return len(self._workers.on_threads(self._size.threads))

    @property
    def busy(self) -> int:
        """How many workers have something to do."""
        return self._workers.busy

    @property
    def bounds(self) -> Optional[tuple[int, int]]:
        """The fewest and the most workers, where the load decides; None where it does not."""
        settings = self._settings
        if settings.fewest_workers is None or settings.workers is None:
            return None
        return settings.fewest_workers, settings.workers

    @property
    def is_open(self) -> bool:
        """Whether the workers serve, and are as many as they are to be."""
        return self._state is _State.SERVING

    @property
    def agrees(self) -> bool:
        """Whether the workers are those that there are to be, now."""
        return self._reconciler.agrees

    @property
    def states(self) -> Counter[WorkerState]:
        """How many workers are in each state."""
        return Counter(worker.state for worker in self._workers.all)

    @property
    def loaded(self) -> Collection[Worker]:
        """Those that take requests, or answer their last."""
        return self._workers.loaded

    @property
    def here(self) -> Collection[WorkerProcess]:
        """All workers that are loaded."""
        return [worker.process for worker in self._workers.loaded]

    @property
    def free(self) -> Collection[WorkerProcess]:
        """Workers that have nothing to do."""
        return [worker.process for worker in self._workers.idle]

    def idle_beside(self, worker: WorkerProcess) -> int:
        """How many workers are free that compute on no more threads than `worker`."""
        return sum(other.kind.threads <= worker.threads for other in self._workers.idle)

    @property
    def failure(self) -> str:
        """Why no worker starts; empty until several have failed one after another."""
        return self._reconciler.failure

    def ill_health(self) -> str:
        """Why the model has no worker; an empty string while it has one, or soon will."""
        alone_s = self._workers.empty_s
        if not alone_s:
            return ''
        late = f'no worker for {alone_s:.0f} s' if alone_s > _REPLACEMENT_GRACE_S else ''
        return self._reconciler.failure or late

    def start(self, await_turn: Callable[[], None] = lambda: None) -> None:
        """Start the workers and wait until they are ready.

        Parameters
        ----------
        await_turn
            Called when the model is loaded: returns when it may be measured.

        Raises
        ------
        ServiceError
            The model does not load.
        """
        self._size = self._within(self._starter.open(await_turn))
        try:
            self._reconciler.spawn_all(self._kinds(self._size))
        except ServiceError as error:
            if not self._starter.forks or self._state is _State.STOPPING:
                raise
            self._size = self._within(self._starter.give_up_forking(str(error)))
            self._reconciler.spawn_all(self._kinds(self._size))
        self._start_wide()
        self._reconciler.want(self._desired(self._size))
        self._reconciler.run()
        self.probe.start()
        self._turn_to(_State.SERVING)

    @property
    def _may_settle(self) -> bool:
        """Whether nobody has said how many workers there are to be, and fewer may pay."""
        return not (self._settings.workers or self.on_devices) and self._starter.forks and \
            self._size.workers > FEWEST_MEASURED

    def settle(self) -> None:
        """Keep as many workers as pay when all of them compute at once, where nobody has said how
        many there are to be; call it before there are requests.
        """
        if not self._may_settle:
            return
        self._turn_to(_State.MEASURING)
        try:
            self._size = self._best_size(self._requests_per_s)
            self._await_as_many()
        finally:
            self._reconciler.want(self._desired(self._size))
            self._turn_to(_State.SERVING)

    def _await_as_many(self) -> None:
        """Wait until there are as many workers as the size says, and for a lone request one if it
        starts.
        """
        self._reconciler.want(self._desired(self._size), best_effort=True)
        self._reconciler.await_agreement()
        if self._size.wide and not self._workers.on_threads(self._size.wide):
            self._size = self._starter.without_wider(self._size)

    def measure(self, known: Optional[Findings] = None,
                on_batches: Callable[[], None] = lambda: None) -> bool:
        """Find out what pays, while requests run, and go by it: where networks are faster then,
        each worker is replaced.

        Parameters
        ----------
        known
            What was measured before, and has only to be proven; None to measure.
        on_batches
            Called each time when it is known anew how many requests may run together: before the
            rest is measured, and before workers are replaced.

        Returns
        -------
        bool
            Whether it was measured as if nothing else had computed meanwhile.

        Raises
        ------
        ServiceError
            It cannot be measured.
        """
        measured = self._starter.measured(known, on_batches)
        is_faster = self._starter.take(measured)
        on_batches()
        size = self._starter.size_of(self._settings.workers)
        self._size = self._within(size, self._size.workers)
        if is_faster:
            for worker in self._workers.loaded:
                self._renew(worker)
        self._changed.set()
        try:
            self._await_as_many()
        finally:
            self._reconciler.want(self._desired(self._size))
        return not measured.disturbed

    def settle_beside(self) -> bool:
        """The same while requests come, to which it gives way; whether that is done."""
        if not self._may_settle:
            return True
        settings = self._settings

        def requests_per_s(size: PoolSize) -> float:
            self._is_wanted = False
            if self._workers.busy:
                raise _Disturbed
            per_s = self._requests_per_s(size)
            if self._is_wanted or self._settings is not settings:
                raise _Disturbed
            return per_s

        try:
            self._size = self._best_size(requests_per_s)
        except _Disturbed:
            return False
        finally:
            self._reconciler.want(self._desired(self._size))
        self._tell_size()
        return True

    def _best_size(self, requests_per_s: Callable[[PoolSize], float]) -> PoolSize:
        return best_size(self._size, self._settings.resources, self._starter.levels,
                         requests_per_s)

    def scale(self, workers: Optional[int] = None, devices: Sequence[Device] = (),
              fewest: Optional[int] = None) -> None:
        """Have another number of workers from now on; requests go on meanwhile.

        Those that are too many go when they have answered, idle ones first; those that are missing
        are started. It does not wait for either: see :attr:`agrees`.

        Parameters
        ----------
        workers
            How many answer at the same time; None to choose.
        devices
            The device of each worker, of a model that is on devices.
        fewest
            Where the load decides, `workers` are the most, and these the fewest.

        Raises
        ------
        ServiceError
            The model does not serve yet, or no more, or it would move between the processors and
            devices, where it would have to be loaded in another way.
        """
        if not self.is_open:
            raise ServiceError(f'Model {self.name} is {self._state.value}: its workers can be '
                               f'scaled while it serves.')
        if bool(devices) != self.on_devices:
            where = 'devices' if self.on_devices else 'the processors'
            raise ServiceError(f'Model {self.name} is on {where}: its workers stay there, whatever '
                               f'their number. Load it anew to move it.')
        before = self._size.workers
        self._settings = replace(self._settings, workers=workers, devices=tuple(devices),
                                 fewest_workers=fewest)
        size = self._starter.size_of(workers, devices)
        self._size = self._within(size, before)
        self._reconciler.want(self._desired(self._size))
        self._changed.set()
        self._tell_size()

    def _tell_size(self) -> None:
        logger.info('Model %s is to have %d worker%s (%s).', self.name, self._size.workers,
                    's' * (self._size.workers != 1), self._size.why)

    def resize(self, workers: int) -> None:
        """Have another number of workers within :attr:`bounds`, on as many threads as before."""
        self._size = self._size._replace(workers=workers)
        self._reconciler.want(self._desired(self._size))
        self._changed.set()

    def match(self, other: Supervisor) -> None:
        """Have as many workers as another, as far as :attr:`bounds` allow, and wait for them; where
        there are no bounds, nothing is done.
        """
        if self.bounds is not None:
            fewest, most = self.bounds
            self.resize(max(fewest, min(most, other.size.workers)))
            self._reconciler.await_agreement()

    def acquire(self, threads: int = 1) -> WorkerProcess:
        """Wait for a worker that is free, and take it.

        Parameters
        ----------
        threads
            On how many threads it had best compute.

        Raises
        ------
        ModelUnavailable
            The workers cannot start; the message says why.
        """
        while True:
            fitting = self._size.fitting(threads)
            worker = self._workers.take(fitting, self._size.workers, self._busy())
            if worker is not None:
                break
            if self._reconciler.failure and not self._workers.loaded:
                raise ModelUnavailable(self._reconciler.failure)
            self._is_wanted = True
            self._changed.clear()
            self._changed.wait()
        if worker.kind.threads != fitting and fitting in self._size.wider:
            attempt(f'the workers of model {self.name}', self._widen, fitting)
        return worker.process

    def borrow(self, worker: WorkerProcess) -> None:
        """Take one that is free."""
        self._worker(worker).turn_to(WorkerState.BUSY)

    def release(self, worker: WorkerProcess) -> None:
        """Give back a worker that was taken; nothing where it is dead, or its model is stopped."""
        held = self._workers.of(worker)
        if held is None or worker.gone or held.state is WorkerState.CLOSING:
            return
        if held.state is WorkerState.RETIRING:
            self._reconciler.end(held)
        elif self.is_open and self.probe.is_due(worker):
            self._asking.spawn(self.probe.ask, worker)
        else:
            held.turn_to(WorkerState.IDLE)
            self._changed.set()
            reason = self._settings.exceeded(worker.served, worker.memory_bytes)
            if reason is not None and not held.is_to_be_replaced:
                self._replace(held, reason)

    def take_out(self, worker: WorkerProcess, after_s: float) -> None:
        """End a worker that was borrowed, and put another in its place after a while."""
        held = self._workers.of(worker)
        if held is not None:
            self._count(Restart.ILL)
            self._reconciler.take_out(held, after_s)

    def start_successor(self, worker: WorkerProcess,
                        why_not: Callable[[WorkerProcess], str]) -> None:
        """Start another worker, which takes the place of one that is here if it is fit."""
        held = self._workers.of(worker)
        if held is None or not self.is_open:
            return
        if held.kind.device is not None:
            # A device may not have room for both.
            if held.state is WorkerState.IDLE:
                self._count(Restart.ILL)
                self._reconciler.take_out(held, 0.0)
            return
        try:
            self._reconciler.spawn(held.kind, why_not, in_place_of=held)
            self._count(Restart.ILL)
        except ServiceError as error:
            logger.error('A worker of model %s is ill, and its successor is no better: %s',
                         self.name, error)

    def stop(self) -> None:
        """End every worker when it has answered; those still loading are killed."""
        self._end(WorkerProcess.close)
        self._starter.close()

    def kill(self) -> None:
        """End every worker at once."""
        self._end(WorkerProcess.kill)
        self._starter.kill()

    def _end(self, how: Callable[[WorkerProcess], None]) -> None:
        self._state = _State.STOPPING
        self.probe.stop()
        self._asking.kill()
        self._reconciler.stop(how)

    def _turn_to(self, state: _State) -> None:
        if self._state is not _State.STOPPING:
            self._state = state

    def _worker(self, process: WorkerProcess) -> Worker:
        worker = self._workers.of(process)
        assert worker is not None
        return worker

    def _started(self, worker: Worker) -> WorkerProcess:
        return self._starter.start(worker.kind, self._reconciler.died, worker.warm_up)

    def _kinds(self, size: PoolSize) -> tuple[WorkerKind, ...]:
        """The kind of each worker that answers under load."""
        devices = self._settings.devices or (None,) * size.workers
        return tuple(WorkerKind(size.threads, device) for device in devices[:size.workers])

    def _within(self, most: PoolSize, workers: int = 0) -> PoolSize:
        """A size as near to `workers` as the bounds allow; `most` itself where there are none.

        Its workers compute on as many threads as the most would: none is started anew when there
        are more or fewer of them.
        """
        fewest = self._settings.fewest_workers
        if fewest is None:
            return most
        return most._replace(workers=max(fewest, min(workers, most.workers)),
                             why=f'{fewest} to {most.workers}, as the load asks for')

    def _desired(self, size: PoolSize) -> DesiredState:
        """The workers of a size, the one for a lone request, and those for a load between."""
        wide = (WorkerKind(size.wide),) if size.wide else ()
        between = [kind for kind in self._reconciler.desired.kinds
                   if not kind.permanent and kind.threads in size.wider]
        return DesiredState((*self._kinds(size), *wide, *between))

    def _start_wide(self) -> None:
        wide = self._size.wide
        if not wide or not self._starter.forks:
            return
        try:
            self._reconciler.spawn(WorkerKind(wide))
        except ServiceError as error:
            logger.info('Model %s: no worker on %d threads (%s)', self.name, wide, error)
            self._size = self._starter.without_wider(self._size)

    def _requests_per_s(self, size: PoolSize) -> float:
        """What the workers of a size do together, as far as they start."""
        here = len(self._workers.on_threads(size.threads))
        self._reconciler.want(self._desired(size._replace(workers=max(here, size.workers))),
                              best_effort=True)
        self._reconciler.await_agreement()
        workers = [worker.process for worker in self._workers.on_threads(size.threads)
                   if worker.state is WorkerState.IDLE][:size.workers]
        if len(workers) < size.workers:
            return 0.0
        for worker in workers:
            self.borrow(worker)
        try:
            return requests_per_s(workers, self.ready.batch_size)
        finally:
            for worker in workers:
                self.release(worker)

    def _busy(self) -> Counter[Optional[Device]]:
        """How many workers are busy on each device; of no matter where there are none."""
        if not self.on_devices:
            return _NOBODY
        return Counter(worker.kind.device for worker in self._workers.loaded
                       if worker.state is not WorkerState.IDLE)

    def _replace(self, worker: Worker, reason: Restart) -> None:
        process = worker.process
        where = f' on {process.device}' if process.device else ''
        logger.info('Worker %d of model %s%s is replaced after %d requests, with %d MB of its '
                    'own.', process.pid, self.name, where, process.served,
                    process.memory_bytes // 1024**2)
        self._count(reason)
        self._reconciler.replace(worker)

    def _renew(self, worker: Worker) -> None:
        """Have another worker, forked now, in the place of one."""
        if worker.state in SERVING and not worker.is_to_be_replaced:
            self._reconciler.replace(worker)

    def _count(self, reason: Restart) -> None:
        self._settings.observer.restarted(self.name, reason)

    def _widen(self, threads: int) -> None:
        """See that there are workers for a load between one request and a full house."""
        kind = WorkerKind(threads, permanent=False)
        most = max(1, self._settings.resources.cores // threads)
        here = len(self._workers.on_threads(threads))
        if not self.is_open or here >= min(most, self._size.workers) or \
                self._is_widening() or self._reconciler.is_paused(kind):
            return
        self._reconciler.want(self._reconciler.desired.plus(kind))

    def _is_widening(self) -> bool:
        """Whether one for a load between is on its way."""
        temporary = [worker for worker in self._workers.all if not worker.kind.permanent]
        wanted = sum(not kind.permanent for kind in self._reconciler.desired.kinds)
        return wanted > len(temporary) or any(worker.state in COMING for worker in temporary)
