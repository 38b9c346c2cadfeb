"""Keeps one model's worker processes alive: spawn, reap, replace, retire, drain."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Collection, Sequence
from enum import Enum
from typing import Any, Callable, Optional

import gevent
from gevent.event import Event

from mms.devices.device import Device
from mms.errors import ModelUnavailable, ServiceError
from mms.event_loop.guard import Background, Loop, attempt
from mms.event_loop.uninterrupted import uninterrupted
from mms.ipc.messages import Load, Ready
from mms.pool.idle import Idle
from mms.pool.probe import Probe
from mms.pool.process import WorkerProcess
from mms.pool.replacement import Succession
from mms.pool.respawn import Vacancies
from mms.pool.sizing import FEWEST_MEASURED, Crew
from mms.pool.starter import Nursery, Post, Staffing
from mms.pool.starts import Starts
from mms.pool.throughput import requests_per_s

logger = logging.getLogger(__name__)

# A model that has been without a worker for longer is called ill.
_REPLACEMENT_GRACE_S = 10.0
# A worker that was forked for a load that has gone is kept this long.
_KEEP_IDLE_S = 60.0


class _State(Enum):
    LOADING = 'loading'
    SERVING = 'serving'
    MEASURING = 'measuring'
    STOPPING = 'stopping'


class Supervisor:
    """The workers of one model.

    Parameters
    ----------
    load
        What every process is told to load.
    staffing
        How many there are to be.
    prepare
        Called before a process loads the model: sees that its files are there.

    Attributes
    ----------
    name
        The model's endpoint.
    probe
        Asks the workers how they are.
    """

    def __init__(self, load: Load, staffing: Staffing,
                 prepare: Callable[[], None] = lambda: None) -> None:
        self.name = load.endpoint
        self._staffing = staffing
        self._nursery = Nursery(load, staffing, prepare)
        self._posts: dict[WorkerProcess, Post] = {}
        self._idle = Idle()
        self._changed = Event()
        self._background = Background(f'the workers of model {self.name}')
        self._closing = Background(f'the end of a worker of model {self.name}')
        self._state = _State.LOADING
        self._widening = False
        self._tidying: Optional[Loop] = None
        self.probe = Probe(self)
        self._starts = Starts(self.name, lambda post: self._nursery.worker(post, self._replace),
                              self._take_on, self.probe.why_refused, self._changed.set)
        self._vacancies = Vacancies(self.name, self._starts, self._missing, self._background)
        self._succession = Succession(self.name, staffing, self._posts, self._idle, self._starts,
                                      self._vacancies, self._dismiss)
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

    @property
    def is_open(self) -> bool:
        """Whether the workers serve, and are as many as they are to be."""
        return self._state is _State.SERVING

    @property
    def here(self) -> Collection[WorkerProcess]:
        """All workers that are loaded."""
        return self._posts.keys()

    @property
    def free(self) -> Collection[WorkerProcess]:
        """Workers that have nothing to do."""
        return self._idle.all

    def idle_beside(self, worker: WorkerProcess) -> int:
        """How many workers are free that compute on no more threads than `worker`."""
        return self._idle.count(worker.threads)

    @property
    def failure(self) -> str:
        """Why no worker starts; empty until several have failed one after another."""
        return self._starts.failure

    def ill_health(self) -> str:
        """Why the model has no worker; an empty string while it has one, or soon will."""
        if self._posts or self._starts.failure:
            return '' if self._posts else self._starts.failure
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
        self._tidying = Loop(f'the workers of model {self.name}', self._tidy)
        self.probe.start()
        self._turn_to(_State.SERVING)

    def scale(self, workers: Optional[int], devices: Sequence[Device]) -> None:
        """Placeholder until merged."""
        raise NotImplementedError

    def settle(self) -> None:
        """Keep as many workers as pay when all of them compute at once, where nobody has said how
        many there are to be; call it before there are requests.
        """
        staffing, crew = self._staffing, self.crew
        if staffing.workers or self.on_devices or not self._nursery.template or \
                crew.workers <= FEWEST_MEASURED:
            return
        self._turn_to(_State.MEASURING)
        try:
            self._nursery.settle(self._requests_per_s)
            for worker in self._workers_of(self.crew)[self.crew.workers:]:
                self._dismiss(worker)
            self._start_wide()
        finally:
            self._turn_to(_State.SERVING)

    def _turn_to(self, state: _State) -> None:
        if self._state is not _State.STOPPING:
            self._state = state

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
        missing = crew.workers - self._here_or_soon(Post(crew.threads))
        self._starts.as_many(Post(crew.threads), missing)
        return self._on_threads(crew.threads)

    def _missing(self, post: Post) -> int:
        """How many workers of a kind there are too few, but for those that are being started."""
        if self._state is _State.STOPPING:
            return 0
        crew = self.crew
        if self.on_devices:
            wanted = sum(device == post.device for device in self._staffing.devices)
        else:
            wanted = crew.workers if post.threads == crew.threads else int(
                post.threads == crew.wide)
        return wanted - self._here_or_soon(post)

    def _here_or_soon(self, post: Post) -> int:
        """Workers of a kind that stay, and those that are being started."""
        here = sum(other == post and not self._succession.has_successor(worker)
                   for worker, other in self._posts.items())
        return here + self._starts.on_the_way(post)

    def _on_threads(self, threads: int) -> list[WorkerProcess]:
        return [worker for worker in self._posts if worker.threads == threads]

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
            if self._starts.failure and not self._posts:
                raise ModelUnavailable(self._starts.failure)
            self._changed.clear()
            self._changed.wait()
        worker = self._idle.take(threads, self._busy())
        if worker.threads != threads and threads in self.crew.wider:
            attempt(f'the workers of model {self.name}', self._widen, threads)
        return worker

    def borrow(self, worker: WorkerProcess) -> None:
        """Take one that is free."""
        self._idle.remove(worker)

    def release(self, worker: WorkerProcess) -> None:
        """Give back a worker that was taken; a dead one is already being replaced."""
        if worker.gone:
            return
        if self._succession.may_go(worker):
            self._dismiss(worker)
            return
        if self.is_open and self.probe.is_due(worker):
            self._background.do(self.probe.ask, worker)
            return
        self._idle.put(worker)
        self._changed.set()
        if self._succession.is_worn(worker):
            self._succession.begin(worker)
            self._background.do(self._succession.relieve, worker, self._posts[worker])

    def take_out(self, worker: WorkerProcess, after_s: float) -> None:
        """End a worker that was borrowed, and put another in its place after a while."""
        self._succession.take_out(worker, after_s)

    def succeed(self, worker: WorkerProcess,
                why_not: Callable[[WorkerProcess], str]) -> None:
        """Start another worker, which takes the place of one that is here if it is fit."""
        if self.is_open:
            self._succession.succeed(worker, why_not)

    def stop(self) -> None:
        """End every worker when it has answered; those still loading are killed."""
        self._end(WorkerProcess.close)
        self._nursery.close()

    def kill(self) -> None:
        """End every worker at once."""
        self._end(WorkerProcess.kill)
        self._nursery.kill()

    def _end(self, how: Callable[[WorkerProcess], None]) -> None:
        self._state = _State.STOPPING
        self.probe.stop()
        if self._tidying is not None:
            self._tidying.kill()
        self._background.kill()
        gevent.joinall([gevent.spawn(how, worker) for worker in self._posts])
        self._closing.join()
        self._posts.clear()
        self._idle.clear()

    def _fill(self, posts: Sequence[Post]) -> None:
        try:
            self._starts.all(posts)
        except BaseException:
            uninterrupted(self._give_up)
            raise

    def _give_up(self) -> None:
        gevent.joinall([gevent.spawn(worker.kill) for worker in self._posts])
        self._posts.clear()
        self._idle.clear()

    def _start_wide(self) -> None:
        crew = self._nursery.crew
        post = Post(crew.wide)
        if not crew.wide or not self._nursery.template or self._missing(post) < 1:
            return
        try:
            self._starts.one(post)
        except ServiceError as error:
            logger.info('Model %s: no worker on %d threads (%s)', self.name, crew.wide, error)
            self._nursery.crew = crew._replace(wider=())

    def _take_on(self, worker: WorkerProcess, post: Post) -> None:
        if worker.gone:
            raise ServiceError('it ended when it was ready')
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
        if self._widening or not self.is_open or len(here) >= min(most, self.crew.workers):
            return
        self._widening = True
        self._background.do(self._fork_another, Post(threads, permanent=False))

    def _fork_another(self, post: Post) -> None:
        try:
            if not self._starts.if_possible(post):
                gevent.sleep(_KEEP_IDLE_S)
        finally:
            self._widening = False

    def _tidy(self) -> None:
        """Now and then: end workers that were forked for a load that has gone, and see that
        there are as many as there are to be, whatever became of those who see to it at once.
        """
        gevent.sleep(_KEEP_IDLE_S / 4)
        if self.is_open:
            self._dismiss_idle()
            for dead in [worker for worker in self._posts if worker.gone]:
                self._replace(dead)
            self._vacancies.fill_all(self._kinds())

    def _kinds(self) -> set[Post]:
        """The kinds of workers that there are to be."""
        crew, devices = self.crew, self._staffing.devices
        wide = {Post(crew.wide)} if crew.wide else set()
        return {Post(crew.threads, device) for device in devices or (None,)} | wide

    def _dismiss_idle(self) -> None:
        for worker in self._idle.since(_KEEP_IDLE_S):
            if not self._posts[worker].permanent:
                self._dismiss(worker)

    def _dismiss(self, worker: WorkerProcess) -> None:
        self._posts.pop(worker, None)
        self._idle.remove(worker)
        self._succession.forget(worker)
        # One fewer is busy: another may begin.
        self._changed.set()
        self._closing.do(worker.close)

    def _replace(self, dead: WorkerProcess) -> None:
        post = self._posts.pop(dead, None)
        has_successor = self._succession.has_successor(dead)
        self._succession.forget(dead)
        self._idle.remove(dead)
        if self._state is _State.STOPPING or post is None:
            return
        if not self._posts:
            self._alone_since = time.monotonic()
        # Whoever waits may now have to take another kind.
        self._changed.set()
        self._starts.died(dead.was_used)
        where = f' on {dead.device}' if dead.device else ''
        logger.warning('Worker %d of model %s%s died; it is being replaced.', dead.pid, self.name,
                       where)
        if post.permanent and not has_successor:
            self._vacancies.fill(post, self._starts.pause_s())
