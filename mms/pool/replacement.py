"""Workers that leave because they are worn or ill, and those that come in their place."""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping
from typing import Callable

from mms.errors import ServiceError
from mms.pool.process import WorkerProcess
from mms.pool.respawn import Vacancies
from mms.pool.starter import Post, Staffing
from mms.pool.starts import Starts

logger = logging.getLogger(__name__)


class Succession:
    """Puts successors in the place of workers that still serve.

    Parameters
    ----------
    model
        The model's name, for the log.
    posts
        The workers that are loaded, as they are now and later.
    free
        Those of them that have nothing to do.
    dismiss
        Ends a worker that has nothing to do.
    """

    def __init__(self, model: str, staffing: Staffing, posts: Mapping[WorkerProcess, Post],
                 free: Container[WorkerProcess], starts: Starts, vacancies: Vacancies,
                 dismiss: Callable[[WorkerProcess], None]) -> None:
        self._model = model
        self._staffing = staffing
        self._posts = posts
        self._free = free
        self._starts = starts
        self._vacancies = vacancies
        self._dismiss = dismiss
        # Workers whose successor is on its way, and those whose successor is here.
        self._leaving: set[WorkerProcess] = set()
        self._relieved: set[WorkerProcess] = set()

    def has_successor(self, worker: WorkerProcess) -> bool:
        """Whether another one is here in the place of a worker, or on its way."""
        return worker in self._leaving or worker in self._relieved

    def may_go(self, worker: WorkerProcess) -> bool:
        """Whether a worker has served its last request."""
        return worker in self._relieved

    def forget(self, worker: WorkerProcess) -> None:
        """A worker has gone."""
        self._relieved.discard(worker)

    def is_worn(self, worker: WorkerProcess) -> bool:
        """Whether a worker has served long enough, and nobody sees to it yet."""
        staffing = self._staffing
        return worker not in self._leaving and (
            0 < staffing.max_requests <= worker.served
            or 0 < staffing.max_memory_bytes < worker.memory_bytes)

    def begin(self, worker: WorkerProcess) -> None:
        """A worker is worn: its successor is on its way from now on."""
        self._leaving.add(worker)

    def relieve(self, worker: WorkerProcess, post: Post) -> None:
        """Put a new worker in the place of one that is worn."""
        where = f' on {worker.device}' if worker.device else ''
        logger.info('Worker %d of model %s%s is replaced after %d requests, with %d MB of its '
                    'own.', worker.pid, self._model, where, worker.served,
                    worker.memory_bytes // 1024**2)
        try:
            self._starts.until_one_is_there(post, lambda: True)
        finally:
            self._leaving.discard(worker)
        self._retire(worker)

    def take_out(self, worker: WorkerProcess, after_s: float) -> None:
        """End a worker that was borrowed, and put another in its place after a while."""
        post = self._posts.get(worker)
        is_missed = post is not None and post.permanent and not self.has_successor(worker)
        self._dismiss(worker)
        if post is not None and is_missed:
            self._vacancies.fill(post, after_s)

    def succeed(self, worker: WorkerProcess,
                why_not: Callable[[WorkerProcess], str]) -> None:
        """Start another worker, which takes the place of one that is here if it is fit."""
        post = self._posts.get(worker)
        if post is None:
            return
        if self._staffing.devices:
            # A device may not have room for both.
            if worker in self._free:
                self.take_out(worker, 0.0)
            return
        try:
            self._starts.one(post, why_not)
        except ServiceError as error:
            logger.error('A worker of model %s is ill, and its successor is no better: %s',
                         self._model, error)
            return
        self._retire(worker)

    def _retire(self, worker: WorkerProcess) -> None:
        """Let a worker go, whose successor is here, when it has nothing to do."""
        if worker in self._free:
            self._dismiss(worker)
        elif worker in self._posts:
            self._relieved.add(worker)
