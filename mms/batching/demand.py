"""How many requests have been there at the same time lately."""

from __future__ import annotations

from collections.abc import Callable

# A load that has gone is remembered for one to two of these: long enough to see the next round
# of clients that wait for one answer after the other, short enough for a lone one.
_PERIOD_S = 0.25


class Demand:
    """Counts requests that have no answer yet, and remembers the most of them.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._now = 0
        self._period = 0
        self._most = [0, 0]

    def add(self, count: int) -> None:
        """So many requests have come; negative: have been answered."""
        self._turn()
        self._now += count
        self._most[0] = max(self._most[0], self._now)

    def peak(self) -> int:
        """The most requests at one time within the last moments."""
        self._turn()
        return max(self._most)

    def _turn(self) -> None:
        period = int(self._clock() / _PERIOD_S)
        if period != self._period:
            before = self._most[0] if period == self._period + 1 else self._now
            self._most = [self._now, before]
            self._period = period
