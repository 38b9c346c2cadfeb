"""Keeps one model's worker processes alive: spawn, reap, replace, retire, drain."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Callable, Optional

import gevent
from gevent.event import Event

from mms.devices import Device
from mms.errors import MMSError, ModelUnavailable, ServiceError
from mms.greenlets import uninterrupted
from mms.messages import Load, Ready
from mms.pool.backoff import GIVE_UP_AFTER, delay_s
from mms.pool.crew import FEWEST_MEASURED, Crew
from mms.pool.idle import Idle
from mms.pool.measure import requests_per_s
from mms.pool.nursery import Nursery, Post, Staffing
from mms.pool.process import WorkerProcess

logger = logging.getLogger(__name__)

# A model that has been without a worker for longer is called ill.
_REPLACEMENT_GRACE_S = 10.0
# A worker that was forked for a load that has gone is kept this long.
_KEEP_IDLE_S = 60.0


class Supervisor:
    """The workers of one model.

    Parameters
    ----------
    load
        What every process is told to load.
    staffing
        How many there are to be.
    """

    def __init__(self, load: Load, staffing: Staffing) -> None:
        self.name = load.endpoint
        self._staffing = staffing
        self._nursery = Nursery(load, staffing)
        self._posts: dict[WorkerProcess, Post] = {}
        self._idle = Idle()
        # Worn workers: those whose successor is on its way, and those whose successor is here.
        self._leaving: set[WorkerProcess] = set()
        self._relieved: set[WorkerProcess] = set()
        self._changed = Event()
        # By their number of threads, permanent workers that are on their way.
        self._starting: Counter[int] = Counter()
        self._starters: set[gevent.Greenlet] = set()
        self._closing: set[gevent.Greenlet] = set()
        self._stopping = False
        self._widening = False
        self._failures = 0
        self._failure = ''
        self._alone_since = time.monotonic()

    @property
    def ready(self) -> Ready:
        """What the model's latest process said of it."""
        return self._nursery.ready

    @property
    def signature(self) -> dict[str, Any]:
        """The model's live signature."""
        return self.ready.signature

    @property
    def crew(self) -> Crew:
        """How many workers the model has, and why."""
        return self._nursery.crew

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that are loaded."""
        return [worker.pid for worker in self._posts]

    @property
    def template_pid(self) -> Optional[int]:
        """Process id of the template, if there is one."""
        template = self._nursery.template
        return template.pid if template else None

    @property
    def on_devices(self) -> bool:
        """Whether each worker has a device of its own."""
        return bool(self._staffing.devices)

    @property
    def alive(self) -> int:
        """How many workers answer at the same time under load, but for those being replaced."""
        return len(self._on_threads(self.crew.threads))

    def idle_beside(self, worker: WorkerProcess) -> int:
        """How many workers are free that compute on no more threads than `worker`."""
        return self._idle.count(worker.threads)

    def ill_health(self) -> str:
        """Why the model has no worker; an empty string while it has one, or soon will."""
        if self._posts or self._failure:
            return '' if self._posts else self._failure
        alone_s = time.monotonic() - self._alone_since
        return f'no worker for {alone_s:.0f} s' if alone_s > _REPLACEMENT_GRACE_S else ''

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
        posts = self._nursery.open(await_turn)
        try:
            self._fill(posts)
        except ServiceError as error:
            if self._nursery.template is None:
                raise
            self._fill(self._nursery.give_up_forking(str(error)))
        self._start_wide()
        self._in_background(self._tidy)

    def settle(self) -> None:
        """Keep as many workers as pay when all of them compute at once, where nobody has said how
        many there are to be; call it before there are requests.
        """
        staffing, crew = self._staffing, self.crew
        if staffing.workers or self.on_devices or not self._nursery.template or \
                crew.workers <= FEWEST_MEASURED:
            return
        self._nursery.settle(self._requests_per_s)
        for worker in self._workers_of(self.crew)[self.crew.workers:]:
            self._dismiss(worker)
        self._start_wide()

    def _requests_per_s(self, crew: Crew) -> float:
        """What the workers of a crew do together."""
        workers = self._workers_of(crew)[:crew.workers]
        enough = len(workers) == crew.workers
        return requests_per_s(workers, self.ready.batch_size) if enough else 0.0

    def _workers_of(self, crew: Crew) -> list[WorkerProcess]:
        """As many workers as the crew has, as far as they start, or more; those on other numbers
        of threads leave first, but for the one for a lone request.
        """
        lone = self._on_threads(crew.wide)[:1] if crew.wide else []
        for worker in list(self._posts):
            if worker.threads != crew.threads and worker not in lone:
                self._dismiss(worker)
        missing = crew.workers - self._here_or_soon(crew.threads)
        starts = [gevent.spawn(self._try_to_start, Post(crew.threads)) for _ in range(missing)]
        try:
            gevent.joinall(starts)
        finally:
            uninterrupted(lambda: gevent.killall(starts))
        return self._on_threads(crew.threads)

    def _here_or_soon(self, threads: int) -> int:
        """Workers on so many threads that stay, and those that are on their way."""
        leaving = self._leaving | self._relieved
        here = sum(post.permanent and post.threads == threads and worker not in leaving
                   for worker, post in self._posts.items())
        return here + self._starting[threads]

    def _on_threads(self, threads: int) -> list[WorkerProcess]:
        return [worker for worker in self._posts if worker.threads == threads]

    def _try_to_start(self, post: Post) -> bool:
        try:
            self._start_one(post)
        except ServiceError as error:
            logger.debug('Model %s: no worker on %d threads (%s)', self.name, post.threads, error)
            return False
        return True

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
        threads = self.crew.fitting(threads)
        while not self._is_served(threads):
            if self._failure and not self._posts:
                raise ModelUnavailable(self._failure)
            self._changed.clear()
            self._changed.wait()
        worker = self._idle.take(threads, self._busy())
        if worker.threads != threads and threads in self.crew.wider:
            self._widen(threads)
        return worker

    def acquire_now(self) -> Optional[WorkerProcess]:
        """Take a worker if one is free this moment."""
        return self._idle.take(1, self._busy()) if self._idle else None

    def release(self, worker: WorkerProcess) -> None:
        """Give back a worker that was taken; a dead one is already being replaced."""
        if worker.gone:
            return
        if worker in self._relieved:
            self._dismiss(worker)
            return
        self._idle.put(worker)
        self._changed.set()
        if self._is_worn(worker):
            self._leaving.add(worker)
            self._in_background(self._relieve, worker, self._posts[worker])

    def stop(self) -> None:
        """End every worker when it has answered; those still loading are killed."""
        self._end(WorkerProcess.close)
        self._nursery.close()

    def kill(self) -> None:
        """End every worker at once."""
        self._end(WorkerProcess.kill)
        self._nursery.kill()

    def _end(self, how: Callable[[WorkerProcess], None]) -> None:
        self._stopping = True
        gevent.killall(list(self._starters))
        gevent.joinall([gevent.spawn(how, worker) for worker in self._posts])
        gevent.joinall(list(self._closing))
        self._posts.clear()
        self._idle.clear()

    def _fill(self, posts: Sequence[Post]) -> None:
        starts = [gevent.spawn(self._start_one, post) for post in posts]
        try:
            gevent.joinall(starts, raise_error=True)
        except BaseException:
            uninterrupted(lambda: self._give_up(starts))
            raise

    def _give_up(self, starts: Sequence[gevent.Greenlet]) -> None:
        gevent.killall(starts)
        gevent.joinall([gevent.spawn(worker.kill) for worker in self._posts])
        self._posts.clear()
        self._idle.clear()

    def _start_wide(self) -> None:
        crew = self._nursery.crew
        if not crew.wide or not self._nursery.template or self._here_or_soon(crew.wide):
            return
        try:
            self._start_one(Post(crew.wide))
        except ServiceError as error:
            logger.info('Model %s: no worker on %d threads (%s)', self.name, crew.wide, error)
            self._nursery.crew = crew._replace(wider=())

    def _start_one(self, post: Post) -> WorkerProcess:
        self._starting[post.threads] += post.permanent
        try:
            worker = self._nursery.worker(post, self._replace)
        finally:
            self._starting[post.threads] -= post.permanent
        self._take_on(worker, post)
        return worker

    def _take_on(self, worker: WorkerProcess, post: Post) -> None:
        self._failure = ''
        self._posts[worker] = post
        self._idle.put(worker)
        self._changed.set()

    def _busy(self) -> Counter[Optional[Device]]:
        """How many workers are busy on each device; of no matter where there are none."""
        if not self.on_devices:
            return Counter()
        return Counter(worker.device for worker in self._posts if worker not in self._idle)

    def _is_served(self, threads: int) -> bool:
        """Whether a worker is free; one on many threads is not, while others fill the cores."""
        if len(self._posts) - len(self._idle) >= self.crew.workers:
            return False
        if self._idle.count(threads):
            return True
        return len(self._idle) > 0 and all(post.threads > threads for post in self._posts.values())

    def _widen(self, threads: int) -> None:
        """See that there are workers for a load between one request and a full house."""
        here = [post for post in self._posts.values() if post.threads == threads]
        most = max(1, self._staffing.resources.cores // threads)
        if self._widening or self._stopping or len(here) >= min(most, self.crew.workers):
            return
        self._widening = True
        self._in_background(self._fork_another, Post(threads, permanent=False))

    def _fork_another(self, post: Post) -> None:
        try:
            if not self._try_to_start(post):
                gevent.sleep(_KEEP_IDLE_S)
        finally:
            self._widening = False

    def _tidy(self) -> None:
        """End, now and then, the workers that were forked for a load that has gone."""
        while True:
            gevent.sleep(_KEEP_IDLE_S / 4)
            self._dismiss_idle()

    def _dismiss_idle(self) -> None:
        for worker in self._idle.since(_KEEP_IDLE_S):
            if not self._posts[worker].permanent:
                self._dismiss(worker)

    def _dismiss(self, worker: WorkerProcess) -> None:
        self._posts.pop(worker, None)
        self._idle.remove(worker)
        self._relieved.discard(worker)
        # One fewer is busy: another may begin.
        self._changed.set()
        closing = gevent.spawn(worker.close)
        self._closing.add(closing)
        closing.link(self._closing.discard)

    def _is_worn(self, worker: WorkerProcess) -> bool:
        staffing = self._staffing
        return worker not in self._leaving and (
            0 < staffing.max_requests <= worker.served
            or 0 < staffing.max_memory_bytes < worker.memory_bytes)

    def _relieve(self, worker: WorkerProcess, post: Post) -> None:
        """Put a new worker in the place of one that has served long enough."""
        logger.info('%s is replaced after %d requests, with %d MB of its own.',
                    self._named(worker), worker.served, worker.memory_bytes // 1024**2)
        self._keep_starting(post)
        self._leaving.discard(worker)
        if worker in self._idle:
            self._dismiss(worker)
        elif worker in self._posts:
            self._relieved.add(worker)

    def _replace(self, dead: WorkerProcess) -> None:
        post = self._posts.pop(dead, None)
        has_successor = dead in self._leaving or dead in self._relieved
        self._relieved.discard(dead)
        self._idle.remove(dead)
        if self._stopping or post is None:
            return
        if not self._posts:
            self._alone_since = time.monotonic()
        # Whoever waits may now have to take another kind.
        self._changed.set()
        # One that died before there was any use of it is as good as one that did not start.
        self._failures = 0 if dead.was_used else self._failures + 1
        logger.warning('%s died; it is being replaced.', self._named(dead))
        if post.permanent and not has_successor:
            self._in_background(self._respawn, post)

    def _respawn(self, post: Post) -> None:
        if self._failures > 1:
            gevent.sleep(delay_s(self._failures - 1))
        if not self._is_wanted(post):
            return
        worker = self._keep_starting(post)
        if worker is not None:
            logger.info('Model %s has a new worker, PID %d%s.', self.name, worker.pid, _on(worker))

    def _is_wanted(self, post: Post) -> bool:
        """Whether there are fewer of its kind than the crew is to have."""
        crew = self.crew
        wanted = crew.workers if post.threads == crew.threads else int(post.threads == crew.wide)
        return self.on_devices or self._here_or_soon(post.threads) < wanted

    def _named(self, worker: WorkerProcess) -> str:
        return f'Worker {worker.pid} of model {self.name}{_on(worker)}'

    def _keep_starting(self, post: Post) -> Optional[WorkerProcess]:
        """Start a worker, again and again until there is one or the server stops."""
        while not self._stopping:
            try:
                return self._start_one(post)
            except Exception as error:
                self._failures += 1
                self._failed(error)
                gevent.sleep(delay_s(self._failures))
        return None

    def _failed(self, error: Exception) -> None:
        known = isinstance(error, MMSError)
        logger.error('A worker of model %s did not start: %s', self.name, error,
                     exc_info=None if known else error)
        if self._failures >= GIVE_UP_AFTER:
            self._failure = (f'Model {self.name} is not available: its worker process does not '
                             f'start ({error}).')
            self._changed.set()

    def _in_background(self, duty: Callable[..., Any], *arguments: Any) -> None:
        starter = gevent.spawn(duty, *arguments)
        self._starters.add(starter)
        starter.link(self._starters.discard)


def _on(worker: WorkerProcess) -> str:
    return f' on {worker.device}' if worker.device else ''
