"""Where the workers of one model come from: forked from a template, or loaded one by one."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Callable, NamedTuple, Optional

import psutil
from gevent.lock import RLock

from mms.errors import ServiceError
from mms.messages import Load, Ready
from mms.pool.backoff import deadline_s, join_deadline_s
from mms.pool.birth import Birth, Spawned
from mms.pool.crew import FORKED_WORKER_BYTES, Crew, choose_crew
from mms.pool.process import WarmUpFailed, WorkerProcess
from mms.pool.template import Template
from mms.resources import Resources

logger = logging.getLogger(__name__)

# The first run of a model compiles, fuses and measures; a model that hangs is not waited for.
_WARM_UP_S = 60.0


@dataclass(frozen=True)
class Staffing:
    """What the user wants of each model's workers.

    Attributes
    ----------
    workers
        How many answer at the same time; None to choose.
    gpus
        Devices; a worker for each, and none on the CPU, if there are any.
    models
        How many models share the machine.
    max_requests
        A worker is replaced after so many requests; 0 for never.
    max_memory_bytes
        A worker with more private memory is replaced; 0 for no limit.
    optimize
        Whether Gluon networks may be fused.
    """

    resources: Resources
    workers: Optional[int] = None
    gpus: Sequence[int] = ()
    models: int = 1
    max_requests: int = 0
    max_memory_bytes: int = 0
    optimize: bool = True


class Post(NamedTuple):
    """What one worker is for. One that is not `permanent` is not replaced."""

    threads: int
    gpu: Optional[int] = None
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

    def __init__(self, load: Load, staffing: Staffing) -> None:
        self._load = load
        self._staffing = staffing
        self._turn = RLock()
        self._first: Optional[WorkerProcess] = None
        self._load_deadline_s: Optional[float] = None
        self._join_deadline_s = join_deadline_s(0.0)
        self.template: Optional[Template] = None
        self.crew = Crew(max(1, len(staffing.gpus)), 0, 0, 'one for each GPU')

    def open(self) -> list[Post]:
        """Load the model on the CPU, unless it goes to GPUs; the posts that are to be filled.

        Raises
        ------
        ServiceError
            The model does not load.
        """
        staffing = self._staffing
        if staffing.gpus:
            return [Post(0, gpu) for gpu in staffing.gpus]
        self._choose(FORKED_WORKER_BYTES, forked=True)
        if staffing.optimize:
            threads = {1, self.crew.threads, self.crew.wide or 1}
            self._load = replace(self._load, fuse_for=sorted(threads))
        began = time.monotonic()
        first = self._load_first()
        took_s = time.monotonic() - began
        self._load_deadline_s, self._join_deadline_s = deadline_s(took_s), join_deadline_s(took_s)
        if not first.ready.unforkable:
            self.template = Template(first)
            return [Post(self.crew.threads)] * self.crew.workers
        logger.info('Model %s is not forked: %s. Each worker loads it by itself.',
                    self._load.endpoint, first.ready.unforkable)
        return self._without_template(first)

    def give_up_forking(self, reason: str) -> list[Post]:
        """End the template, whose workers do not start; the posts for workers of their own."""
        assert self.template is not None
        logger.warning('Model %s: workers cannot be forked (%s); each is started on its own.',
                       self._load.endpoint, reason)
        self.template.kill()
        self.template = None
        self._choose(FORKED_WORKER_BYTES, forked=False)
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
                                   post.threads, on_death)
            worker.join(self._join_deadline_s)
            return worker
        first, self._first = self._first, None
        if first is not None and not first.gone and first.threads == post.threads:
            first.on_death = on_death
            return first
        fuse_for = [post.threads] if self._load.fuse_for and post.gpu is None else []
        return self._process(replace(self._load, gpu=post.gpu, fuse_for=fuse_for), post, on_death)

    def close(self) -> None:
        """End the template; the workers have ended."""
        if self.template is not None:
            self.template.close()

    def kill(self) -> None:
        """End the template at once."""
        if self.template is not None:
            self.template.kill()

    def _choose(self, worker_bytes: int, forked: bool) -> None:
        staffing = self._staffing
        self.crew = choose_crew(staffing.workers, staffing.models, staffing.resources,
                                worker_bytes, forked)

    def _load_first(self) -> WorkerProcess:
        try:
            return self._process(self._load, Post(1), _nobody_mourns)
        except WarmUpFailed as error:
            logger.warning('Model %s is not warmed up: with a made-up input %s',
                           self._load.endpoint, error)
            self._load = replace(self._load, warm_up=False)
            return self._process(self._load, Post(1), _nobody_mourns)

    def _without_template(self, first: WorkerProcess) -> list[Post]:
        memory = 0 if first.gone else psutil.Process(first.pid).memory_info().rss
        self._choose(memory, forked=False)
        if self.crew.threads == 1:
            # It computes on one thread already.
            self._first = first
        else:
            first.kill()
        return [Post(self.crew.threads)] * self.crew.workers

    def _living_template(self) -> Optional[Template]:
        """The template, a new one if it has died; None where workers load the model themselves."""
        with self._turn:
            if self.template is not None and self.template.gone:
                logger.warning('The template process of model %s died; it is being replaced.',
                               self._load.endpoint)
                process = self._process(self._load, Post(1), _nobody_mourns)
                if process.ready.unforkable:
                    process.kill()
                    raise ServiceError(f'it cannot be forked any more: {process.ready.unforkable}')
                self.template = Template(process)
            return self.template

    def _process(self, load: Load, post: Post, on_death: OnDeath) -> WorkerProcess:
        threads = None if load.gpu is not None else post.threads
        process = WorkerProcess(load.endpoint, _spawning(load.endpoint, threads), post.threads,
                                on_death)
        process.load(load, self._load_deadline_s, _WARM_UP_S)
        self.ready = process.ready
        return process


def _spawning(endpoint: str, threads: Optional[int]) -> Birth:
    level = logging.getLogger().getEffectiveLevel()
    return lambda ends: Spawned(ends, endpoint, level, threads)


def _nobody_mourns(process: WorkerProcess) -> None:
    """A template that died is noticed when the next worker is to be forked."""
