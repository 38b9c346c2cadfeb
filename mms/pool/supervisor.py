"""Keeps one model's worker processes alive: spawn, reap, replace, retire, drain."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Callable, NamedTuple, Optional

import gevent
import psutil
from gevent.event import Event
from gevent.lock import RLock

from mms.errors import MMSError, ModelUnavailable, ServiceError
from mms.messages import Load, Ready
from mms.pool.backoff import GIVE_UP_AFTER, deadline_s, delay_s, join_deadline_s
from mms.pool.birth import Birth, Spawned
from mms.pool.crew import FORKED_WORKER_BYTES, Crew, choose_crew
from mms.pool.process import WarmUpFailed, WorkerProcess
from mms.pool.template import Template
from mms.resources import Resources

logger = logging.getLogger(__name__)

# A model that has been without a worker for longer is called ill.
_REPLACEMENT_GRACE_S = 10.0
# The first run of a model compiles, fuses and measures; a model that hangs is not waited for.
_WARM_UP_S = 60.0
# A worker that was forked for a load that has gone is kept this long.
_KEEP_IDLE_S = 60.0


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


class _Post(NamedTuple):
    """What one worker is for. One that is not `permanent` is not replaced."""

    threads: int
    gpu: Optional[int] = None
    permanent: bool = True


class Supervisor:
    """The workers of one model.

    Parameters
    ----------
    load
        What every process is told to load.
    staffing
        How many there are to be.
    """

    ready: Ready

    def __init__(self, load: Load, staffing: Staffing) -> None:
        self._load = load
        self._staffing = staffing
        self._template: Optional[Template] = None
        self._template_turn = RLock()
        self._posts: dict[WorkerProcess, _Post] = {}
        self._idle: list[WorkerProcess] = []
        self._idle_since: dict[WorkerProcess, float] = {}
        self._leaving: set[WorkerProcess] = set()
        self._changed = Event()
        self._starters: set[gevent.Greenlet] = set()
        self._stopping = False
        self._widening = False
        self._failures = 0
        self._failure = ''
        self._load_deadline_s: Optional[float] = None
        self._join_deadline_s = join_deadline_s(0.0)
        self._alone_since = time.monotonic()
        self.crew = Crew(1, 1, 0, '')

    @property
    def name(self) -> str:
        """Name of the model's endpoint."""
        return self._load.endpoint

    @property
    def signature(self) -> dict[str, Any]:
        """The model's live signature."""
        return self.ready.signature

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that are loaded."""
        return [worker.pid for worker in self._posts]

    @property
    def template_pid(self) -> Optional[int]:
        """Process id of the template, if there is one."""
        return self._template.pid if self._template else None

    def idle_beside(self, worker: WorkerProcess) -> int:
        """How many workers are free that compute on no more threads than `worker`."""
        return sum(other.threads <= worker.threads for other in self._idle)

    def ill_health(self) -> str:
        """Why the model has no worker; an empty string while it has one, or soon will."""
        if self._posts or self._failure:
            return '' if self._posts else self._failure
        alone_s = time.monotonic() - self._alone_since
        return f'no worker for {alone_s:.0f} s' if alone_s > _REPLACEMENT_GRACE_S else ''

    def start(self) -> None:
        """Start the workers and wait until they are ready.

        Raises
        ------
        ServiceError
            The model does not load.
        """
        began = time.monotonic()
        if self._staffing.gpus:
            self._start_all([_Post(0, gpu) for gpu in self._staffing.gpus])
            self.crew = Crew(len(self._posts), 0, 0, 'one for each GPU')
        else:
            self._start_on_cpu()
        self._load_deadline_s = deadline_s(time.monotonic() - began)
        self._in_background(self._tidy)

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
        while not self._is_served(threads):
            if self._failure and not self._posts:
                raise ModelUnavailable(self._failure)
            self._changed.clear()
            self._changed.wait()
        worker = self._best_idle(threads)
        if worker.threads != threads and self._template is not None:
            self._widen(threads)
        return worker

    def acquire_now(self) -> Optional[WorkerProcess]:
        """Take a worker if one is free this moment."""
        return self._best_idle(1) if self._idle else None

    def release(self, worker: WorkerProcess) -> None:
        """Give back a worker that was taken; a dead one is already being replaced."""
        if worker.gone:
            return
        if worker in self._leaving:
            self._dismiss(worker)
            return
        self._idle.append(worker)
        self._idle_since[worker] = time.monotonic()
        self._changed.set()
        if self._is_worn(worker):
            self._leaving.add(worker)
            self._in_background(self._relieve, worker)

    def stop(self) -> None:
        """End every worker when it has answered; those still loading are killed."""
        self._end(WorkerProcess.close)
        if self._template is not None:
            self._template.close()

    def kill(self) -> None:
        """End every worker at once."""
        self._end(WorkerProcess.kill)
        if self._template is not None:
            self._template.kill()

    def _end(self, how: Callable[[WorkerProcess], None]) -> None:
        self._stopping = True
        gevent.killall(list(self._starters))
        gevent.joinall([gevent.spawn(how, worker) for worker in self._posts])
        self._posts.clear()
        self._idle.clear()

    def _start_on_cpu(self) -> None:
        began = time.monotonic()
        staffing = self._staffing
        self.crew = choose_crew(staffing.workers, staffing.models, staffing.resources,
                                FORKED_WORKER_BYTES, forked=True)
        if staffing.optimize:
            threads = {1, self.crew.threads, self.crew.wide or 1}
            self._load = replace(self._load, fuse_for=sorted(threads))
        first = self._load_first()
        self._join_deadline_s = join_deadline_s(time.monotonic() - began)
        if not first.ready.unforkable:
            try:
                self._fork_crew(Template(first))
            except ServiceError as error:
                logger.warning('Model %s: workers cannot be forked (%s); each is started on its '
                               'own.', self.name, error)
                first.kill()
            else:
                return
        else:
            logger.info('Model %s is not forked: %s. Each worker loads it by itself.',
                        self.name, first.ready.unforkable)
        self._spawn_crew(first)

    def _load_first(self) -> WorkerProcess:
        """The process that is to be the template, if it can be."""
        try:
            return self._load_process(self._load, _Post(1), lambda _: None)
        except WarmUpFailed as error:
            logger.warning('Model %s is not warmed up: with a made-up input %s', self.name, error)
            self._load = replace(self._load, warm_up=False)
            return self._load_process(self._load, _Post(1), lambda _: None)

    def _fork_crew(self, template: Template) -> None:
        self._template = template
        try:
            self._start_all([_Post(self.crew.threads)] * self.crew.workers)
        except ServiceError:
            self._template = None
            raise
        if self.crew.wide:
            try:
                self._start_one(_Post(self.crew.wide))
            except ServiceError as error:
                logger.info('Model %s: no worker on %d threads (%s)', self.name, self.crew.wide,
                            error)
                self.crew = self.crew._replace(wide=0)

    def _spawn_crew(self, first: WorkerProcess) -> None:
        staffing = self._staffing
        worker_bytes = 0 if first.gone else psutil.Process(first.pid).memory_info().rss
        self.crew = choose_crew(staffing.workers, staffing.models, staffing.resources,
                                worker_bytes, forked=False)
        posts = [_Post(self.crew.threads)] * self.crew.workers
        if not first.gone and self.crew.threads == 1:
            first.on_death = self._replace
            self._take_on(first, posts.pop())
        else:
            first.kill()
        self._start_all(posts)

    def _start_all(self, posts: Sequence[_Post]) -> None:
        starts = [gevent.spawn(self._start_one, post) for post in posts]
        try:
            gevent.joinall(starts, raise_error=True)
        except BaseException:
            gevent.killall(starts)
            gevent.joinall([gevent.spawn(worker.kill) for worker in self._posts])
            self._posts.clear()
            self._idle.clear()
            raise

    def _start_one(self, post: _Post) -> WorkerProcess:
        template = self._living_template()
        if template is None:
            load = replace(self._load, gpu=post.gpu, fuse_for=[] if post.gpu is not None or not
                           self._load.fuse_for else [post.threads])
            worker = self._load_process(load, post, self._replace)
        else:
            worker = WorkerProcess(self.name, template.birth(post.threads), post.threads,
                                   self._replace)
            worker.join(self._join_deadline_s)
        self._take_on(worker, post)
        return worker

    def _living_template(self) -> Optional[Template]:
        """The template, a new one if it has died; None where workers load the model themselves."""
        with self._template_turn:
            if self._template is not None and self._template.gone:
                logger.warning('The template process of model %s died; it is being replaced.',
                               self.name)
                process = self._load_process(self._load, _Post(1), lambda _: None)
                if process.ready.unforkable:
                    process.kill()
                    raise ServiceError(f'it cannot be forked any more: {process.ready.unforkable}')
                self._template = Template(process)
            return self._template

    def _load_process(self, load: Load, post: _Post,
                      on_death: Callable[[WorkerProcess], None]) -> WorkerProcess:
        threads = None if load.gpu is not None else post.threads
        process = WorkerProcess(self.name, self._spawning(threads), post.threads, on_death)
        process.load(load, self._load_deadline_s, _WARM_UP_S)
        self.ready = process.ready
        return process

    def _spawning(self, threads: Optional[int]) -> Birth:
        level = logging.getLogger().getEffectiveLevel()
        return lambda ends: Spawned(ends, self.name, level, threads)

    def _take_on(self, worker: WorkerProcess, post: _Post) -> None:
        self._failure = ''
        self._posts[worker] = post
        self._idle.append(worker)
        self._idle_since[worker] = time.monotonic()
        self._changed.set()

    def _is_served(self, threads: int) -> bool:
        """Whether a worker is free; one on many threads is not, while others fill the cores."""
        if any(worker.threads <= threads for worker in self._idle):
            return True
        return bool(self._idle) and all(post.threads > threads for post in self._posts.values())

    def _best_idle(self, threads: int) -> WorkerProcess:
        """Of the free workers the one with the most threads up to `threads`, or the fewest.

        Of several the one that was free last: its memory is the warmest.
        """
        fitting = [worker for worker in self._idle if worker.threads <= threads]
        best = max(fitting, key=lambda worker: worker.threads) if fitting else \
            min(self._idle, key=lambda worker: worker.threads)
        chosen = next(worker for worker in reversed(self._idle)
                      if worker.threads == best.threads)
        self._idle.remove(chosen)
        return chosen

    def _widen(self, threads: int) -> None:
        """See that there are workers for a load between one request and a full house."""
        here = [post for post in self._posts.values() if post.threads == threads]
        most = max(1, self._staffing.resources.cores // threads)
        if self._widening or self._stopping or len(here) >= min(most, self.crew.workers):
            return
        if any(worker.threads == threads for worker in self._idle):
            return
        self._widening = True
        self._in_background(self._fork_another, _Post(threads, permanent=False))

    def _fork_another(self, post: _Post) -> None:
        try:
            self._start_one(post)
        except ServiceError as error:
            logger.debug('Model %s: no worker on %d threads (%s)', self.name, post.threads, error)
            gevent.sleep(_KEEP_IDLE_S)
        finally:
            self._widening = False

    def _tidy(self) -> None:
        """End, now and then, the workers that were forked for a load that has gone."""
        while True:
            gevent.sleep(_KEEP_IDLE_S / 4)
            self._dismiss_idle()

    def _dismiss_idle(self) -> None:
        now = time.monotonic()
        for worker in list(self._idle):
            if not self._posts[worker].permanent and \
                    now - self._idle_since[worker] > _KEEP_IDLE_S:
                self._idle.remove(worker)
                self._dismiss(worker)

    def _dismiss(self, worker: WorkerProcess) -> None:
        self._posts.pop(worker, None)
        self._idle_since.pop(worker, None)
        self._leaving.discard(worker)
        self._in_background(WorkerProcess.close, worker)

    def _is_worn(self, worker: WorkerProcess) -> bool:
        staffing = self._staffing
        return worker not in self._leaving and (
            0 < staffing.max_requests <= worker.served
            or 0 < staffing.max_memory_bytes < worker.memory_bytes)

    def _relieve(self, worker: WorkerProcess) -> None:
        """Put a new worker in the place of one that has served long enough."""
        post = self._posts.get(worker)
        if post is None:
            return
        logger.info('Worker %d of model %s is replaced after %d requests, with %d MB of its own.',
                    worker.pid, self.name, worker.served, worker.memory_bytes // 1024**2)
        while not self._stopping and worker in self._posts:
            try:
                self._start_one(post)
            except Exception as error:
                self._report(error)
                gevent.sleep(delay_s(1))
                continue
            if worker in self._idle:
                self._idle.remove(worker)
                self._dismiss(worker)
            return

    def _replace(self, dead: WorkerProcess) -> None:
        post = self._posts.pop(dead, None)
        relieved = dead in self._leaving
        self._leaving.discard(dead)
        self._idle_since.pop(dead, None)
        if dead in self._idle:
            self._idle.remove(dead)
        if self._stopping or post is None:
            return
        if not self._posts:
            self._alone_since = time.monotonic()
        # One that died before there was any use of it is as good as one that did not start.
        self._failures = 0 if dead.was_used else self._failures + 1
        logger.warning('Worker %d of model %s died; it is being replaced.', dead.pid, self.name)
        if post.permanent and not relieved:
            self._in_background(self._respawn, post)

    def _respawn(self, post: _Post) -> None:
        if self._failures > 1:
            gevent.sleep(delay_s(self._failures - 1))
        while not self._stopping:
            try:
                worker = self._start_one(post)
            except Exception as error:
                self._failures += 1
                self._failed(error)
                gevent.sleep(delay_s(self._failures))
            else:
                logger.info('Model %s has a new worker, PID %d.', self.name, worker.pid)
                return

    def _failed(self, error: Exception) -> None:
        self._report(error)
        if self._failures >= GIVE_UP_AFTER:
            self._failure = (f'Model {self.name} is not available: its worker process does not '
                             f'start ({error}).')
            self._changed.set()

    def _report(self, error: Exception) -> None:
        known = isinstance(error, MMSError)
        logger.error('A worker of model %s did not start: %s', self.name, error,
                     exc_info=None if known else error)

    def _in_background(self, duty: Callable[..., Any], *arguments: Any) -> None:
        starter = gevent.spawn(duty, *arguments)
        self._starters.add(starter)
        starter.link(self._starters.discard)
