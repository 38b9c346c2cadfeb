"""Starts of one model's workers: those on their way, those that failed, and when to try again."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Callable, Optional

import gevent

from mms.errors import MMSError, ServiceError
from mms.event_loop.uninterrupted import uninterrupted
from mms.pool.backoff import GIVE_UP_AFTER, delay_s
from mms.pool.process import WorkerProcess
from mms.pool.starter import Post

logger = logging.getLogger(__name__)


class Starts:
    """Starts the workers of one model.

    Parameters
    ----------
    model
        The model's name, for the log.
    start
        Starts a worker and waits until it is ready.
    take_on
        Gives a new worker its first work.
    why_not
        Why a new worker must not replace another; an empty string if it may.
    on_failure
        Called when the model has to be called unavailable.

    Attributes
    ----------
    failure
        Why no worker starts; empty until several have failed one after another.
    """

    def __init__(self, model: str, start: Callable[[Post], WorkerProcess],
                 take_on: Callable[[WorkerProcess, Post], None],
                 why_not: Callable[[WorkerProcess], str],
                 on_failure: Callable[[], None]) -> None:
        self._model = model
        self._start = start
        self._take_on = take_on
        self._why_not = why_not
        self._on_failure = on_failure
        self._on_the_way: Counter[Post] = Counter()
        self._failures = 0
        self.failure = ''

    def on_the_way(self, post: Post) -> int:
        """How many of a kind are being started."""
        return self._on_the_way[post]

    def one(self, post: Post, why_not: Callable[[WorkerProcess], str] = lambda _: '',
            ) -> WorkerProcess:
        """Start a worker, which gets work if nothing speaks against it.

        Raises
        ------
        ServiceError
        """
        self._on_the_way[post] += 1
        try:
            worker = self._start(post)
            try:
                reason = why_not(worker)
                if reason:
                    raise ServiceError(reason)
                self._take_on(worker, post)
            except BaseException:
                uninterrupted(worker.kill)
                raise
        finally:
            self._on_the_way[post] -= 1
        self.failure = ''
        return worker

    def if_possible(self, post: Post) -> bool:
        """Start a worker if that can be done; whether it could."""
        try:
            self.one(post)
        except ServiceError as error:
            logger.debug('Model %s: no worker on %d threads (%s)', self._model, post.threads,
                         error)
            return False
        return True

    def as_many(self, post: Post, number: int) -> None:
        """Start so many workers of a kind, as far as that can be done."""
        starts = [gevent.spawn(self.if_possible, post) for _ in range(number)]
        try:
            gevent.joinall(starts)
        finally:
            uninterrupted(lambda: gevent.killall(starts))

    def all(self, posts: Sequence[Post]) -> None:
        """Start a worker for each post; the first that does not start ends the others.

        Raises
        ------
        ServiceError
        """
        starts = [gevent.spawn(self.one, post) for post in posts]
        try:
            gevent.joinall(starts, raise_error=True)
        except BaseException:
            uninterrupted(lambda: gevent.killall(starts))
            raise

    def until_one_is_there(self, post: Post, is_wanted: Callable[[], bool],
                           ) -> Optional[WorkerProcess]:
        """Start a worker, again and again until there is one, or none is wanted any more."""
        while is_wanted():
            try:
                return self.one(post, self._why_not)
            except Exception as error:
                self._failures += 1
                self._failed(error)
                gevent.sleep(delay_s(self._failures))
        return None

    def died(self, was_used: bool) -> None:
        """A worker has died; one before there was any use of it is as good as one that did not
        start.
        """
        self._failures = 0 if was_used else self._failures + 1

    def pause_s(self) -> float:
        """Seconds to wait before the successor of one that died is started."""
        return delay_s(self._failures - 1) if self._failures > 1 else 0.0

    def _failed(self, error: Exception) -> None:
        known = isinstance(error, MMSError)
        logger.error('A worker of model %s did not start: %s', self._model, error,
                     exc_info=None if known else error)
        if self._failures >= GIVE_UP_AFTER:
            self.failure = (f'Model {self._model} is not available: its worker process does not '
                            f'start ({error}).')
            self._on_failure()
