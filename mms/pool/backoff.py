"""When a worker that would not start is tried again, and when that counts as ill."""

from __future__ import annotations

from collections import deque
from typing import Callable

# Starts that fail one after another before the model is called unavailable.
GIVE_UP_AFTER = 3
_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 30.0
# A load is slower the second time on a busy machine, or with cold file caches.
_SLACK = 10.0
_SHORTEST_DEADLINE_S = 60.0
_SHORTEST_JOIN_S = 15.0
# Workers that were replaced for their health longer ago are forgotten.
_REMEMBERED_S = 300.0


def delay_s(failures: int) -> float:
    """Seconds to wait after the given number of failed starts in a row (1 or more)."""
    return min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(failures - 1, 16))


def deadline_s(first_load_s: float) -> float:
    """Seconds that a replacement may take to load, when the first worker took `first_load_s`."""
    return max(_SHORTEST_DEADLINE_S, _SLACK * first_load_s)


def join_deadline_s(load_s: float) -> float:
    """Seconds that a forked worker may take to run its model once, which took `load_s` to load."""
    return max(_SHORTEST_JOIN_S, _SLACK * load_s)


class StartFailures:
    """Starts of one model's workers that failed one after another.

    Parameters
    ----------
    model
        The model's name.

    Attributes
    ----------
    reason
        Why no worker starts; empty until several have failed one after another.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._in_a_row = 0
        self.reason = ''

    def started(self) -> None:
        """A worker is there."""
        self.reason = ''

    def failed(self, error: Exception) -> float:
        """A worker did not start; seconds to wait before the next try."""
        self._in_a_row += 1
        if self._in_a_row >= GIVE_UP_AFTER:
            self.reason = (f'Model {self._model} is not available: its worker process does not '
                           f'start ({error}).')
        return delay_s(self._in_a_row)

    def died(self, was_used: bool) -> float:
        """A worker has died; seconds to wait before another is started in its place.

        One that died before there was any use of it is as good as one that did not start.
        """
        self._in_a_row = 0 if was_used else self._in_a_row + 1
        return delay_s(self._in_a_row - 1) if self._in_a_row > 1 else 0.0


class Pace:
    """How soon a worker that is ill may be replaced: ones that fall ill again must not keep the
    machine busy.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: deque[float] = deque()

    def next_s(self, workers: int) -> float:
        """Seconds to wait before the next one, which counts; each of `workers` may go at once."""
        now = self._clock()
        while self._times and self._times[0] < now - _REMEMBERED_S:
            self._times.popleft()
        self._times.append(now)
        beyond = len(self._times) - workers
        return delay_s(beyond) if beyond > 0 else 0.0
