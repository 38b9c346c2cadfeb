"""Workers that have gone, and those that come in their place."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Callable

import gevent

from mms.event_loop.guard import Background, persist
from mms.pool.starter import Post
from mms.pool.starts import Starts

logger = logging.getLogger(__name__)


class Vacancies:
    """Sees that one model has as many workers of each kind as it is to have.

    Parameters
    ----------
    model
        The model's name, for the log.
    starts
        Starts the workers.
    missing
        How many workers of a kind there are too few, but for those that are being started.
    background
        Where the work goes on; what ends there is wanted no more.
    """

    def __init__(self, model: str, starts: Starts, missing: Callable[[Post], int],
                 background: Background) -> None:
        self._model = model
        self._starts = starts
        self._missing = missing
        self._background = background
        # Successors that are waited for, those included that wait to be started.
        self._expected: Counter[Post] = Counter()

    def fill(self, post: Post, after_s: float) -> None:
        """Have a worker started in the place of one that has gone, after a while."""
        self._expected[post] += 1
        self._background.do(self._fill, post, after_s).link(lambda _: self._is_over(post))

    def fill_all(self, kinds: Iterable[Post]) -> None:
        """Have those started that are missing, whatever became of those who were to do it."""
        for post in kinds:
            for _ in range(self._missing(post) - self._expected[post]):
                self.fill(post, 0.0)

    def _fill(self, post: Post, after_s: float) -> None:
        gevent.sleep(after_s)
        persist(f'the workers of model {self._model}', self._start, post)

    def _is_over(self, post: Post) -> None:
        self._expected[post] -= 1

    def _start(self, post: Post) -> None:
        worker = self._starts.until_one_is_there(post, lambda: self._missing(post) > 0)
        if worker is not None:
            where = f' on {worker.device}' if worker.device else ''
            logger.info('Model %s has a new worker, PID %d%s.', self._model, worker.pid, where)
