"""One model's workers as the rest of the server has them: start, scale, acquire, release, stop."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from enum import Enum
from typing import Callable, Optional

from gevent.event import Event

from mms.devices.device import Device
from mms.errors import ModelUnavailable, ServiceError
from mms.event_loop.guard import BackgroundTasks, attempt
from mms.ipc.findings import Findings
from mms.ipc.messages import Load
from mms.metrics.observer import Restart
from mms.pool.capacity import Capacity
from mms.pool.pool_view import PoolView
from mms.pool.probe import Probe
from mms.pool.process import WorkerProcess
from mms.pool.reconciler import Reconciler
from mms.pool.settings import PoolSettings
from mms.pool.starter import WorkerStarter
from mms.pool.succession import Succession
from mms.pool.tuner import Disturbed, Tuner
from mms.pool.worker import Worker, WorkerKind, WorkerState
from mms.pool.workers import Workers

logger = logging.getLogger(__name__)

_NOBODY: Counter[Optional[Device]] = Counter()


class _State(Enum):
    LOADING = 'loading'
    SERVING = 'serving'
    MEASURING = 'measuring'
    STOPPING = 'stopping'


class Supervisor(PoolView):
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
    probe
        Asks the workers how they are.
    """

    def __init__(self, load: Load, settings: PoolSettings,
                 prepare: Callable[[], None] = lambda: None) -> None:
        name = load.endpoint
        self._state = _State.LOADING
        self._observer = settings.observer
        self._why_worn = settings.exceeded
        self._changed = Event()
        self._asking = BackgroundTasks(f'the workers of model {name}')
        workers = Workers()
        super().__init__(
            name, Capacity(settings), WorkerStarter(load, settings, prepare), workers,
            Reconciler(name, workers, self._started, self._why_refused, self._changed.set,
                       self._count))
        self._succession = Succession(name, workers, self._reconciler, self._count)
        self._tuner = Tuner(self._capacity, self._starter, workers, self._reconciler,
                            self._succession, self.release, self._changed.set)
        self.probe = Probe(self, self._succession)

    @property
    def is_open(self) -> bool:
        """Whether the workers serve, and are as many as they are to be."""
        return self._state is _State.SERVING

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
        self._capacity.take(self._starter.open(await_turn))
        try:
            self._reconciler.spawn_all(self._capacity.kinds)
        except ServiceError as error:
            if not self._starter.forks or self._state is _State.STOPPING:
                raise
            self._capacity.take(self._starter.give_up_forking(str(error)))
            self._reconciler.spawn_all(self._capacity.kinds)
        self._start_wide()
        self._go_by_capacity()
        self._reconciler.run()
        self.probe.start()
        self._turn_to(_State.SERVING)

    def settle(self) -> None:
        """Keep as many workers as pay when all of them compute at once, where nobody has said how
        many there are to be; call it before there are requests.
        """
        if not self._tuner.may_settle:
            return
        self._turn_to(_State.MEASURING)
        try:
            self._tuner.settle()
        finally:
            self._turn_to(_State.SERVING)

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
        return self._tuner.measure(known, on_batches)

    def settle_beside(self) -> bool:
        """The same while requests come, to which it gives way; whether that is done."""
        if not self._tuner.may_settle:
            return True
        try:
            self._tuner.settle_beside()
        except Disturbed:
            return False
        self._tell_size()
        return True

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
        self._capacity.scale(self._starter.size_of(workers, devices), workers, devices, fewest)
        self._tuner.disturb()
        self._go_by_capacity()
        self._changed.set()
        self._tell_size()

    def _tell_size(self) -> None:
        size = self.size
        logger.info('Model %s is to have %d worker%s (%s).', self.name, size.workers,
                    's' * (size.workers != 1), size.why)

    def resize(self, workers: int) -> None:
        """Have another number of workers within :attr:`bounds`, on as many threads as before."""
        self._capacity.resize(workers)
        self._go_by_capacity()
        self._changed.set()

    def match(self, other: Supervisor) -> None:
        """Have as many workers as another, as far as :attr:`bounds` allow, and wait for them; where
        there are no bounds, nothing is done.
        """
        workers = self._capacity.nearest(other.size.workers)
        if workers is not None:
            self.resize(workers)
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
            size = self._capacity.size
            fitting = size.fitting(threads)
            worker = self._workers.take(fitting, size.workers, self._busy())
            if worker is not None:
                break
            if self._reconciler.failure and not self._workers.loaded:
                raise ModelUnavailable(self._reconciler.failure)
            self._tuner.disturb()
            self._changed.clear()
            self._changed.wait()
        if worker.kind.threads != fitting and fitting in size.wider:
            attempt(f'the workers of model {self.name}', self._widen, fitting)
        return worker.process

    def borrow(self, worker: WorkerProcess) -> None:
        """Take one that is free."""
        self._worker(worker).turn_to(WorkerState.BUSY)

    def release(self, worker: WorkerProcess) -> None:
        """Give back a worker that was taken; nothing where it is dead, or its model is stopped."""
        held = self._workers.of(worker)
        if worker.gone:
            # With a template end all its workers: what this one had is for none of them.
            attempt(f'the workers of model {self.name}', self._reconciler.reap)
            return
        if held is None or held.state is WorkerState.CLOSING:
            return
        if held.state is WorkerState.RETIRING:
            self._reconciler.end(held)
        elif self.is_open and self.probe.is_due(worker):
            self._asking.spawn(self.probe.ask, worker)
        else:
            held.turn_to(WorkerState.IDLE)
            self._changed.set()
            reason = self._why_worn(worker.served, worker.memory_bytes)
            if reason is not None and not held.is_to_be_replaced:
                self._succession.replace_worn(held, reason)

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

    def _why_refused(self, process: WorkerProcess) -> str:
        return self.probe.why_refused(process)

    def _go_by_capacity(self) -> None:
        self._reconciler.want(self._capacity.desired(self._reconciler.desired))

    def _start_wide(self) -> None:
        wide = self.size.wide
        if not wide or not self._starter.forks:
            return
        try:
            self._reconciler.spawn(WorkerKind(wide))
        except ServiceError as error:
            logger.info('Model %s: no worker on %d threads (%s)', self.name, wide, error)
            self._capacity.do_without_wider()

    def _busy(self) -> Counter[Optional[Device]]:
        """How many workers are busy on each device; of no matter where there are none."""
        return self._workers.busy_on_devices() if self.on_devices else _NOBODY

    def _count(self, reason: Restart) -> None:
        self._observer.restarted(self.name, reason)

    def _widen(self, threads: int) -> None:
        """See that there are workers for a load between one request and a full house."""
        kind = WorkerKind(threads, permanent=False)
        desired = self._reconciler.desired
        if self.is_open and self._capacity.has_room_for(kind, self._workers, desired) and \
                not self._reconciler.is_paused(kind):
            self._reconciler.want(desired.plus(kind))
