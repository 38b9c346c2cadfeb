"""Where the workers of one model come from: forked from a template, or loaded one by one."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Callable, NamedTuple, Optional

import psutil
from gevent.lock import RLock

from mms.devices.device import GPU, Device
from mms.errors import ServiceError
from mms.event_loop.uninterrupted import uninterrupted
from mms.ipc.messages import Load, Ready
from mms.pool.backoff import deadline_s, join_deadline_s
from mms.pool.process import WarmUpFailed, WorkerProcess
from mms.pool.sizing import (
    FORKED_WORKER_BYTES,
    Crew,
    best_crew,
    choose_crew,
    crew_on,
    thread_counts,
)
from mms.pool.spawn import Birth, Spawned
from mms.pool.template import Template
from mms.runtime.byte_budget import Room
from mms.runtime.resources import Resources

logger = logging.getLogger(__name__)

# The first runs of a model compile, fuse, measure and compare; one that hangs is not waited for.
_WARM_UP_S = 180.0
# There every batch size is run before requests, and for each cuDNN tries all its algorithms.
_WARM_UP_ON_GPU_S = 600.0


@dataclass(frozen=True)
class Staffing:
    """What the user wants of each model's workers.

    Attributes
    ----------
    workers
        How many answer at the same time; None to choose.
    devices
        The device of each worker; none for the processors, shared by all workers.
    models
        How many models share the machine.
    max_requests
        A worker is replaced after so many requests; 0 for never.
    max_memory_bytes
        A worker with more private memory is replaced; 0 for no limit.
    optimize
        Whether Gluon networks may be fused.
    room
        Where the answers of the workers count that are held.
    """

    resources: Resources
    workers: Optional[int] = None
    devices: Sequence[Device] = ()
    models: int = 1
    max_requests: int = 0
    max_memory_bytes: int = 0
    optimize: bool = True
    room: Room = field(default_factory=Room)


class Post(NamedTuple):
    """What one worker is for. One that is not `permanent` is not replaced."""

    threads: int
    device: Optional[Device] = None
    permanent: bool = True


OnDeath = Callable[[WorkerProcess], None]


class Nursery:
    """Starts the workers of one model.

    Parameters
    ----------
    load
        What every process is told to load.
    staffing
        How many workers there are to be.
    prepare
        Called before a process loads the model: sees that its files are there. Raises
        :class:`ServiceError`.

    Attributes
    ----------
    crew
        The workers that were chosen.
    ready
        What the model's latest process said of it.
    template
        The process that workers are forked from; None where each loads the model by itself.
    """

    ready: Ready

    def __init__(self, load: Load, staffing: Staffing,
                 prepare: Callable[[], None] = lambda: None) -> None:
        self._load = load
        self._prepare = prepare
        self._staffing = staffing
        self._turn = RLock()
        self._load_deadline_s: Optional[float] = None
        self._join_deadline_s = join_deadline_s(0.0)
        self.template: Optional[Template] = None
        self.crew = Crew(1, 1, (), '')

    def open(self, await_turn: Callable[[], None]) -> list[Post]:
        """Load the model, and find out what there is to know; the posts that are to be filled.

        Parameters
        ----------
        await_turn
            Returns when the loaded model may be measured.

        Raises
        ------
        ServiceError
            The model does not load.
        """
        staffing, began = self._staffing, time.monotonic()
        if staffing.devices:
            self.crew = crew_on(staffing.devices, staffing.models, staffing.resources)
            self._load = replace(self._load, optimize=staffing.optimize and self.crew.threads > 0)
            first = self._on(Post(self.crew.threads, staffing.devices[0]), _nobody_mourns,
                             await_turn)
            self._take_over(first)
            return [Post(self.crew.threads, device) for device in staffing.devices]
        self._load = replace(self._load, optimize=staffing.optimize,
                             threads=thread_counts(staffing.resources, staffing.workers))
        first = self._process(self._load, Post(1), _nobody_mourns, await_turn)
        self._join_deadline_s = join_deadline_s(time.monotonic() - began)
        if not first.ready.unforkable:
            self.template = Template(first)
            self._choose(FORKED_WORKER_BYTES, self._levels())
            return [Post(self.crew.threads)] * self.crew.workers
        logger.info('Model %s is not forked: %s. Each worker loads it by itself.',
                    self._load.endpoint, first.ready.unforkable)
        self._choose(_resident_bytes(first.pid), None)
        self._take_over(first)
        return [Post(self.crew.threads)] * self.crew.workers

    def give_up_forking(self, reason: str) -> list[Post]:
        """End the template, whose workers do not start; the posts for workers of their own."""
        assert self.template is not None
        logger.warning('Model %s: workers cannot be forked (%s); each is started on its own.',
                       self._load.endpoint, reason)
        memory = _resident_bytes(self.template.pid)
        self._found_by(self.ready)
        self.template.kill()
        self.template = None
        self._choose(memory, None)
        return [Post(self.crew.threads)] * self.crew.workers

    def worker(self, post: Post, on_death: OnDeath) -> WorkerProcess:
        """Start a worker and wait until it is ready.

        Raises
        ------
        ServiceError
        """
        template = self._living_template()
        if template is not None:
            worker = WorkerProcess(self._load.endpoint, template.birth(post.threads),
                                   post.threads, on_death, room=self._staffing.room)
            worker.join(self._join_deadline_s)
            return worker
        return self._on(post, on_death)

    def close(self) -> None:
        """End the template; the workers have ended."""
        if self.template is not None:
            self.template.close()

    def kill(self) -> None:
        """End the template at once."""
        if self.template is not None:
            self.template.kill()

    def settle(self, requests_per_s: Callable[[Crew], float]) -> None:
        """Choose the crew anew by what its workers do when all of them compute at once.

        Parameters
        ----------
        requests_per_s
            Of a crew.
        """
        self.crew = best_crew(self.crew, self._staffing.resources, self._levels(),
                              requests_per_s)

    def _levels(self) -> Sequence[int]:
        return self.ready.levels or (1,)

    def _choose(self, worker_bytes: int, levels: Optional[Sequence[int]]) -> None:
        staffing = self._staffing
        self.crew = choose_crew(staffing.workers, staffing.models, staffing.resources,
                                worker_bytes, levels)

    def _take_over(self, first: WorkerProcess) -> None:
        """End a process that was spent on finding out what the workers are told."""
        self._found_by(first.ready)
        uninterrupted(first.kill)

    def _found_by(self, ready: Ready) -> None:
        self._load = replace(self._load, explored=True, batch_size=ready.batch_size,
                             answered=ready.answered)

    def _on(self, post: Post, on_death: OnDeath,
            await_turn: Callable[[], None] = lambda: None) -> WorkerProcess:
        """A process that loads the model itself."""
        load = replace(self._load, device=post.device, threads=[post.threads])
        try:
            return self._process(load, post, on_death, await_turn)
        except ServiceError as error:
            if post.device is None:
                raise
            raise ServiceError(f'on {post.device}: {error}') from error

    def _living_template(self) -> Optional[Template]:
        """The template, a new one if it has died; None where workers load the model themselves."""
        with self._turn:
            if self.template is not None and self.template.gone:
                logger.warning('The template process of model %s died; it is being replaced.',
                               self._load.endpoint)
                process = self._process(self._load, Post(1), _nobody_mourns)
                self.template = None if process.ready.unforkable else Template(process)
                if process.ready.unforkable:
                    logger.warning('Model %s is not forked any more: %s.', self._load.endpoint,
                                   process.ready.unforkable)
                    self._take_over(process)
            return self.template

    def _process(self, load: Load, post: Post, on_death: OnDeath,
                 await_turn: Callable[[], None] = lambda: None) -> WorkerProcess:
        try:
            process = self._try_process(load, post, on_death, await_turn)
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
        return self._try_process(replace(load, **cold), post, on_death, await_turn)

    def _try_process(self, load: Load, post: Post, on_death: OnDeath,
                     await_turn: Callable[[], None]) -> WorkerProcess:
        self._prepare()
        began = time.monotonic()
        on_gpu = post.device is not None and post.device.kind == GPU
        threads = None if on_gpu else post.threads
        process = WorkerProcess(load.endpoint, _spawning(load.endpoint, threads), post.threads,
                                on_death, post.device, self._staffing.room)
        process.load(load, self._load_deadline_s, _WARM_UP_ON_GPU_S if on_gpu else _WARM_UP_S,
                     await_turn)
        self.ready = process.ready
        if self._load_deadline_s is None:
            self._load_deadline_s = deadline_s(time.monotonic() - began)
        return process


def _resident_bytes(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return FORKED_WORKER_BYTES


def _spawning(endpoint: str, threads: Optional[int]) -> Birth:
    level = logging.getLogger().getEffectiveLevel()
    return lambda ends: Spawned(ends, endpoint, level, threads)


def _nobody_mourns(process: WorkerProcess) -> None:
    """A template that died is noticed when the next worker is to be forked."""
