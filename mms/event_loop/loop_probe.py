"""For how long the event loop attends to nobody: its long turns are counted and logged.

A turn is what the loop does between two looks at its sockets. While it lasts, nobody else is
served.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Optional

import gevent

logger = logging.getLogger(__name__)

# Shorter turns are what serving many takes.
LONG_S = 0.01
# From here on a line of the log tells of it.
SLOW_S = 0.25
# At most one in so long: a server that is slow has other things to do.
_LINE_S = 10.0
# A turn that lasts is looked at so often, so that every slow one is seen.
_LOOK_S = 0.2
_SEEN_S = 0.05
# Of the innermost calls so many are told.
_CALLS = 6
# Of libev: first after the look at the sockets, and last before the next one.
_FIRST, _LAST = 2, -2


class LoopProbe:
    """Measures each turn of an event loop, from :meth:`start` to :meth:`stop`.

    It wakes no loop that waits. A turn costs 1.5 us.

    Parameters
    ----------
    observe
        Called with the seconds of each turn that took :data:`LONG_S` or longer.
    """

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe
        self._began_s = 0.0
        self._computed_s = 0.0
        self._calls = ''
        self._thread_id = 0
        self._watchers: tuple[Any, ...] = ()
        self._is_over = threading.Event()
        self._next_line_s = 0.0
        self._not_told = 0

    def start(self) -> None:
        """Measure the loop of this thread."""
        loop = gevent.get_hub().loop
        self._thread_id = threading.get_ident()
        # Without a reference: a loop that waits for nothing else is over.
        turn_begins = loop.check(ref=False, priority=_FIRST)
        turn_ends = loop.prepare(ref=False, priority=_LAST)
        self._watchers = (turn_begins, turn_ends)
        turn_begins.start(self._begin)
        turn_ends.start(self._end)
        self._begin()
        threading.Thread(target=self._look, name='mms-loop-probe', daemon=True).start()

    def stop(self) -> None:
        """Measure no more; on the loop that is measured."""
        self._is_over.set()
        for watcher in self._watchers:
            watcher.stop()
            watcher.close()
        self._watchers = ()

    def _begin(self) -> None:
        self._began_s = time.monotonic()
        self._computed_s = time.thread_time()

    def _end(self) -> None:
        began_s = self._began_s
        self._began_s = 0.0
        took_s = time.monotonic() - began_s
        if began_s and took_s >= LONG_S:
            calls, self._calls = self._calls, ''
            computed_s = time.thread_time() - self._computed_s
            # Not here: what waits for a lock would have the loop wait for itself.
            gevent.spawn(self._tell, took_s, computed_s, calls)

    def _look(self) -> None:
        """Note what a turn that lasts is at."""
        while not self._is_over.wait(_LOOK_S):
            began_s = self._began_s
            if began_s and time.monotonic() - began_s >= _SEEN_S:
                calls = calls_of(self._thread_id)
                if self._began_s == began_s:
                    self._calls = calls

    def _tell(self, took_s: float, computed_s: float, calls: str) -> None:
        self._observe(took_s)
        now = time.monotonic()
        level = logging.DEBUG
        if took_s >= SLOW_S:
            level = logging.WARNING if now >= self._next_line_s else logging.DEBUG
            self._not_told += 1
        more = ''
        if level == logging.WARNING:
            others = self._not_told - 1
            more = f'; {others} more since the last such line' if others else ''
            self._not_told, self._next_line_s = 0, now + _LINE_S
        logger.log(level, 'Nobody was served for %.0f ms: the event loop was blocked, and computed '
                   'for %.0f ms of it%s%s.', took_s * 1000, computed_s * 1000,
                   f' (in {calls})' if calls else '', more)


def calls_of(thread_id: int) -> str:
    """The innermost calls of a thread, the latest first; empty where there is no such thread."""
    frame: Optional[Any] = sys._current_frames().get(thread_id)
    told: list[str] = []
    while frame is not None and len(told) < _CALLS:
        code = frame.f_code
        told.append(f'{code.co_name} {_short(code.co_filename)}:{frame.f_lineno}')
        frame = frame.f_back
    return ' < '.join(told)


def _short(path: str) -> str:
    """The end of a path: file and folder."""
    return '/'.join(path.rsplit('/', 2)[-2:])
