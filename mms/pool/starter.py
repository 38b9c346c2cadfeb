"""Where the workers of one model come from: forked from a template, or loaded one by one."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Callable, Optional

import psutil
from gevent.lock import RLock

from mms.archive.service_kind import names_mxnet
from mms.devices.device import GPU, Device
from mms.errors import ServiceError
from mms.event_loop.in_thread import in_starting_thread, in_thread
from mms.event_loop.uninterrupted import uninterrupted
from mms.ipc.findings import Findings
from mms.ipc.messages import Load, Ready
from mms.pool.backoff import deadline_s, join_deadline_s
from mms.pool.process import WorkerProcess
from mms.pool.process_errors import DiedEarly, LaunchFailed, Unlaunchable, WarmUpFailed
from mms.pool.settings import PoolSettings
from mms.pool.sizing import (
    FORKED_WORKER_BYTES,
    PoolSize,
    choose_size,
    size_on,
    thread_counts,
)
from mms.pool.spawn import Spawned, Spawner, model_program
from mms.pool.template import Template
from mms.pool.worker import WorkerKind

logger = logging.getLogger(__name__)

# The first runs of a model compile, fuse, measure and compare; one that hangs is not waited for.
_WARM_UP_S = 180.0
# There every batch size is run before requests, and for each cuDNN tries all its algorithms.
_WARM_UP_ON_GPU_S = 600.0


OnDeath = Callable[[WorkerProcess], None]


class WorkerStarter:
    """Starts the workers of one model.

    Parameters
    ----------
    load
        What every process is told to load.
    settings
        How many workers there are to be.
    prepare
        Called before a process loads the model: sees that its files are there. Raises
        :class:`ServiceError`.

    Attributes
    ----------
    ready
        What the model's latest process said of it.
    """

    ready: Ready

    def __init__(self, load: Load, settings: PoolSettings,
                 prepare: Callable[[], None] = lambda: None) -> None:
        self._load = load
        self._prepare = prepare
        self._settings = settings
        self._turn = RLock()
        self._load_deadline_s: Optional[float] = None
        self._join_deadline_s = join_deadline_s(0.0)
        self._template: Optional[Template] = None
        self._worker_bytes = FORKED_WORKER_BYTES
        self._why_alone = ''
        self._launcher = settings.launcher
        self._measured: Optional[Ready] = None

    @property
    def load_message(self) -> Load:
        """What every process is told to load."""
        return self._load

    @property
    def forks(self) -> bool:
        """Whether workers are forked; otherwise each loads the model by itself."""
        return self._template is not None

    @property
    def template_pid(self) -> Optional[int]:
        """Process id of the process that workers are forked from, if there is one."""
        return self._template.pid if self._template else None

    @property
    def levels(self) -> Sequence[int]:
        """Numbers of threads that pay."""
        return self.ready.levels or (1,)

    def measured(self, known: Optional[Findings], on_batches: Callable[[], None]) -> Ready:
        """What a fork of the template finds out beside the workers; `known` was measured before.

        Parameters
        ----------
        on_batches
            Called when :attr:`ready` has how many requests may run together, for the first time.

        Raises
        ------
        ServiceError
        """
        template = self._living_template()
        if template is None:
            raise ServiceError('it has no template any more')
        if known is not None and not set(known.levels) <= set(self._load.threads):
            known = None
        process = WorkerProcess(self._load.endpoint, template.explorer(known), 1, _nothing,
                                budget=self._settings.budget)

        def take_batches(ready: Ready) -> None:
            if not self.ready.is_measured:
                self._go_by(ready)
                on_batches()

        try:
            process.measure(_WARM_UP_S, take_batches)
        except ServiceError as error:
            if self.ready.batch_size == 1:
                self.ready = replace(self.ready, why_alone=f'it could not be measured ({error})')
            raise
        uninterrupted(process.kill)
        return process.ready

    def take(self, measured: Ready) -> bool:
        """Go by what was measured from now on; whether workers that are forked from now on have
        faster networks than those that are there.
        """
        self._go_by(replace(measured, is_measured=True))
        forms = measured.findings.fused if measured.findings else ()
        self._load = replace(self._load, fused=forms)
        template = self._living_template()
        return bool(forms) and template is not None and template.fuse(forms)

    def _go_by(self, measured: Ready) -> None:
        self._measured = measured
        self.ready = self._as_measured(self.ready)

    def _as_measured(self, ready: Ready) -> Ready:
        measured = self._measured
        if measured is None:
            return ready
        return replace(ready, batch_size=measured.batch_size, levels=measured.levels,
                       proven=measured.proven, why_alone=measured.why_alone,
                       is_measured=measured.is_measured, findings=measured.findings)

    def open(self, await_turn: Callable[[], None]) -> PoolSize:
        """Load the model, and find out what there is to know; the size of its pool.

        Parameters
        ----------
        await_turn
            Returns when the loaded model may be measured.

        Raises
        ------
        ServiceError
            The model does not load.
        """
        settings, began = self._settings, time.monotonic()
        if settings.devices:
            size = self.size_of(None, settings.devices)
            self._load = replace(self._load, optimize=settings.optimize and size.threads > 0)
            first = self._on(WorkerKind(size.threads, settings.devices[0]), _nothing, await_turn)
            self._take_over(first)
            return size
        self._load = replace(self._load, optimize=settings.optimize,
                             threads=thread_counts(settings.resources, settings.workers))
        first = self._process(self._load, WorkerKind(1), _nothing, await_turn)
        self._join_deadline_s = join_deadline_s(time.monotonic() - began)
        if not first.ready.unforkable:
            self._template = Template(first, settings.identity)
            return self.size_of(settings.workers)
        logger.info('Model %s is not forked: %s. Each worker loads it by itself.',
                    self._load.endpoint, first.ready.unforkable)
        self._worker_bytes = _resident_bytes(first.pid)
        self._take_over(first)
        return self.size_of(settings.workers)

    def size_of(self, workers: Optional[int], devices: Sequence[Device] = ()) -> PoolSize:
        """The size of a pool of so many workers, None to choose, or of one on these devices."""
        settings = self._settings
        if devices:
            return size_on(devices, settings.models, settings.resources)
        return choose_size(workers, settings.models, settings.resources, self._worker_bytes,
                           self.levels if self.forks else None)

    def give_up_forking(self, reason: str) -> PoolSize:
        """End the template, whose workers do not start; the size of a pool without one."""
        assert self._template is not None
        logger.warning('Model %s: workers cannot be forked (%s); each is started on its own.',
                       self._load.endpoint, reason)
        self._worker_bytes = _resident_bytes(self._template.pid)
        if not self.ready.is_measured:
            # There will be no process to measure in.
            self._load = replace(self._load, later=False)
            uninterrupted(self._process(self._load, WorkerKind(1), _nothing).kill)
        self._found_by(self.ready)
        self._template.kill()
        self._template = None
        return self.size_of(self._settings.workers)

    def start(self, kind: WorkerKind, on_death: OnDeath,
              on_loaded: Callable[[], None]) -> WorkerProcess:
        """Start a worker and wait until it is ready.

        Parameters
        ----------
        on_loaded
            Called when its process has the model, which it has not run yet.

        Raises
        ------
        ServiceError
        """
        template = self._living_template()
        if template is None:
            return self._on(kind, on_death, on_loaded)
        try:
            return self._forked(template, kind, on_death, on_loaded)
        except ServiceError:
            if not template.gone:
                raise
        # The template has died over it, which says nothing of the worker.
        following = self._living_template()
        if following is None:
            return self._on(kind, on_death, on_loaded)
        return self._forked(following, kind, on_death, on_loaded)

    def _forked(self, template: Template, kind: WorkerKind, on_death: OnDeath,
                on_loaded: Callable[[], None]) -> WorkerProcess:
        worker = WorkerProcess(self._load.endpoint, template.spawner(kind.threads),
                               kind.threads, on_death, budget=self._settings.budget)
        on_loaded()
        worker.join(self._join_deadline_s)
        return worker

    def close(self) -> None:
        """End the template; the workers have ended."""
        if self._template is not None:
            self._template.close()

    def kill(self) -> None:
        """End the template at once."""
        if self._template is not None:
            self._template.kill()

    def _take_over(self, first: WorkerProcess) -> None:
        """End a process that was spent on finding out what the workers are told."""
        self._found_by(first.ready)
        uninterrupted(first.kill)

    def _found_by(self, ready: Ready) -> None:
        self._load = replace(self._load, explored=True, batch_size=ready.batch_size,
                             answered=ready.answered)

    def _on(self, kind: WorkerKind, on_death: OnDeath,
            await_turn: Callable[[], None]) -> WorkerProcess:
        """A process that loads the model itself."""
        load = replace(self._load, device=kind.device, threads=[kind.threads])
        try:
            return self._process(load, kind, on_death, await_turn)
        except ServiceError as error:
            if kind.device is None:
                raise
            raise ServiceError(f'on {kind.device}: {error}') from error

    def _living_template(self) -> Optional[Template]:
        """The template, a new one if it has died; None where workers load the model themselves."""
        with self._turn:
            if self._template is not None and self._template.gone:
                logger.warning('The template process of model %s died; it is being replaced.',
                               self._load.endpoint)
                process = self._process(self._load, WorkerKind(1), _nothing)
                self._template = None if process.ready.unforkable else Template(
                    process, self._settings.identity)
                if process.ready.unforkable:
                    logger.warning('Model %s is not forked any more: %s.', self._load.endpoint,
                                   process.ready.unforkable)
                    self._take_over(process)
            return self._template

    def _process(self, load: Load, kind: WorkerKind, on_death: OnDeath,
                 await_turn: Callable[[], None] = lambda: None) -> WorkerProcess:
        try:
            process = self._try_process(load, kind, on_death, await_turn)
        except WarmUpFailed as error:
            reason, answered = f'with a made-up request, {error}', None
        else:
            if not process.ready.spoiled:
                return process
            reason = f'{process.ready.spoiled}. It runs one request at a time'
            answered = process.ready.answered
            uninterrupted(process.kill)
        logger.warning('Model %s is not warmed up: %s.', load.endpoint, reason)
        cold: dict[str, Any] = {'warm_up': False, 'answered': answered}
        self._load = replace(self._load, **cold)
        return self._try_process(replace(load, **cold), kind, on_death, await_turn)

    def _try_process(self, load: Load, kind: WorkerKind, on_death: OnDeath,
                     await_turn: Callable[[], None]) -> WorkerProcess:
        self._prepare()
        began = time.monotonic()
        on_gpu = kind.device is not None and kind.device.kind == GPU

        def started(spawner: Spawner) -> WorkerProcess:
            process = WorkerProcess(load.endpoint, spawner, kind.threads, on_death, kind.device,
                                    self._settings.budget)
            process.load(load, self._load_deadline_s,
                         _WARM_UP_ON_GPU_S if on_gpu else _WARM_UP_S, await_turn)
            return process

        process = None if load.explored or kind.device is not None else self._launched(started)
        if process is None:
            process = started(self._spawning(None if on_gpu else kind.threads))
        self.ready = process.ready
        if load.explored:
            # It takes for known what the first one has found.
            self.ready = replace(process.ready, why_alone=self._why_alone)
        self._why_alone = self.ready.why_alone
        self.ready = self._as_measured(self.ready)
        if self._load_deadline_s is None:
            self._load_deadline_s = deadline_s(time.monotonic() - began)
        return process

    def _launched(self, started: Callable[[Spawner], WorkerProcess]) -> Optional[WorkerProcess]:
        """A process that was forked from the launcher; None where the model needs another."""
        if self._launcher is None or not self._launcher.is_ready(
                in_thread(lambda: names_mxnet(self._load.service_file))):
            return None
        try:
            return started(self._launcher.spawner(self._load.endpoint, _log_level()))
        except LaunchFailed as error:
            logger.warning('Model %s is loaded by a Python of its own this time: %s.',
                           self._load.endpoint, error)
        except (Unlaunchable, DiedEarly) as error:
            self._launcher = None
            logger.info('Model %s is loaded by a Python of its own: forked from the launcher, %s.',
                        self._load.endpoint, error)
        return None

    def _spawning(self, threads: Optional[int]) -> Spawner:
        endpoint, identity = self._load.endpoint, self._settings.identity
        return lambda ends: in_starting_thread(lambda: Spawned(
            ends, model_program(identity, threads), identity, _log_level(), ['--model', endpoint]))


def _log_level() -> int:
    return logging.getLogger().getEffectiveLevel()


def _resident_bytes(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return FORKED_WORKER_BYTES


def _nothing(process: WorkerProcess) -> None:
    """A template that died is noticed when the next worker is to be forked."""
