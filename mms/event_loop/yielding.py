"""Greenlets take turns: none holds the event loop for longer than a moment.

``gevent.sleep(0)`` is not enough for that: gevent runs up to 50 of those that have given way so
before it looks at its sockets again, and each of them may have a moment's work.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from enum import IntEnum
from typing import Any, Optional

import gevent
from gevent.hub import Waiter

# About what a small request takes. What is read or written between two looks at the clock takes
# less.
_SLICE_S = 0.0005
# Many may become ready at once, when a client dies or a time limit is over: no more of their work
# is done before sockets are looked at again.
_ALL_S = 0.004
# Of those who have given way so many have their turn between two looks.
_QUEUE_S = 0.001
# Of libev: those who have waited for a socket come first.
_LOWEST_PRIORITY = -2


class RunQueue(IntEnum):
    """Those who give way wait only for those of their own queue."""

    HEALTH = 0
    WORK = 1
    # Many end at once where a client of theirs has died.
    END = 2


class TimeSlice:
    """How long one greenlet may go on while others wait; a wait of its own ends no turn."""

    def __init__(self) -> None:
        self._ends = 0.0

    def yield_if_over(self) -> None:
        """Let the others have their turn where this one's is over."""
        if time.monotonic() >= self._ends:
            yield_now()
            self._ends = time.monotonic() + _SLICE_S


class PollTracker:
    """Whether a greenlet has waited, so that others had their turn."""

    def __init__(self) -> None:
        self._loop = gevent.get_hub().loop
        self._polled = -1

    def yield_unless_polled(self) -> None:
        """Give way unless the loop has looked at its sockets since the last call."""
        if self._loop.iteration == self._polled:
            yield_now()
        self._polled = self._loop.iteration


def yield_now() -> None:
    """Wait until all sockets that are ready have been served, and those who gave way before."""
    _run_queues().wait(RunQueue.WORK)


def yield_if_due(queue: RunQueue = RunQueue.WORK) -> None:
    """Give way if greenlets have worked for long since the loop has looked at its sockets.

    For who has just waited for something, and is about to do some work.

    Parameters
    ----------
    queue
        Among whom to wait.
    """
    queues = _run_queues()
    if queues.is_overdue():
        queues.wait(queue)


def _run_queues() -> _RunQueues:
    hub = gevent.get_hub()
    queues: Optional[_RunQueues] = getattr(_of_thread, 'queues', None)
    if queues is None or queues.hub is not hub:
        queues = _of_thread.queues = _RunQueues(hub)
    return queues


class _RunQueues:
    """Those who have given way: some go on each time the loop has looked at sockets, for a turn of
    each queue.
    """

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        self._queues: list[deque[Any]] = [deque() for _ in RunQueue]
        self._each_time = hub.loop.check(priority=_LOWEST_PRIORITY)
        # While it is active the loop does not wait for sockets.
        self._never_idle = hub.loop.idle()
        self._polled = -1
        self._ends = 0.0

    def is_overdue(self) -> bool:
        polled = self.hub.loop.iteration
        if polled == self._polled:
            return time.monotonic() >= self._ends
        self._polled = polled
        self._ends = time.monotonic() + _ALL_S
        return False

    def wait(self, queue: RunQueue) -> None:
        waiter, waiters = Waiter(self.hub), self._queues[queue]
        if not any(self._queues):
            self._each_time.start(self._next)
            self._never_idle.start(_nothing)
        waiters.append(waiter)
        try:
            waiter.get()
        except BaseException:
            if waiter in waiters:
                waiters.remove(waiter)
                self._pause()
            raise

    def _next(self) -> None:
        # It is their turn, however late it is.
        self._polled, self._ends = self.hub.loop.iteration, time.monotonic() + _ALL_S
        for waiters in self._queues:
            ends = time.monotonic() + _QUEUE_S
            while waiters:
                waiters.popleft().switch(None)
                if time.monotonic() >= ends:
                    break
        self._pause()

    def _pause(self) -> None:
        if not any(self._queues):
            self._each_time.stop()
            self._never_idle.stop()


def _nothing() -> None:
    pass


_of_thread = threading.local()
