"""Seconds that a thread itself took, on a machine that others use too."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Optional

# Linux: nanoseconds on a core, nanoseconds in which it waited for one, turns
# (https://docs.kernel.org/scheduler/sched-stats.html).
_SCHEDSTAT = '/proc/thread-self/schedstat'
_SECONDS = 1e-9
_LEAST_S = 1e-9


class OwnTime:
    """What a block takes, without the time in which other processes had its thread's core.

    What the thread sleeps or waits for counts. Where the system does not tell how long a thread
    waited for a core, all counts.

    Attributes
    ----------
    seconds
        At the end of the block; more than 0.
    waited_s
        How long it waited for a core.
    """

    seconds: float
    waited_s: float

    def __enter__(self) -> OwnTime:
        # What it waits between the two readings must not count as waited only: the least of
        # several such times would then be next to nothing.
        self._start_s = time.perf_counter()
        self._before_s = _waited_s()
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.waited_s = _waited_s() - self._before_s
        self.seconds = max(time.perf_counter() - self._start_s - self.waited_s, _LEAST_S)


def _waited_s() -> float:
    try:
        with open(_SCHEDSTAT, encoding='ascii') as file:
            return int(file.read().split()[1]) * _SECONDS
    except (OSError, IndexError):
        return 0.0
