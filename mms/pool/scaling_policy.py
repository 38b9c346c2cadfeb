"""How many workers a model is to have, between two bounds, of what its load was: pure policy."""

from __future__ import annotations

from collections import deque
from typing import Callable, NamedTuple

# Requests that wait for so long, nearly all the time, want another worker; a burst does not.
GROW_S = 1.0
_WAITING_SHARE = 0.7
# Looks within that time; fewer say nothing.
_FEWEST_LOOKS = 4
# Workers that nothing needed for so long go. A load that comes again each few seconds keeps them.
SHRINK_S = 20.0


class LoadLook(NamedTuple):
    """The load of a model, at one moment.

    Attributes
    ----------
    waiting
        Requests that wait for a worker.
    busy
        Workers that have something to do.
    here
        Workers that are there.
    """

    waiting: int
    busy: int
    here: int


class _Look(NamedTuple):
    at: float
    is_short: bool
    needed: int


class ScalingPolicy:
    """Looks at the load of one model, again and again.

    It has more workers when requests wait while all that it has are busy, and fewer when it needed
    fewer for long.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._looks: deque[_Look] = deque()
        self._began = clock()

    def workers(self, load: LoadLook, workers: int, fewest: int, most: int) -> int:
        """How many workers there are to be from now on.

        Parameters
        ----------
        load
            As it is now.
        workers
            How many there are to be so far.
        fewest, most
            The bounds.
        """
        now = self._clock()
        is_short = load.waiting > 0 and load.busy >= workers
        self._note(_Look(now, is_short, workers if is_short else min(load.busy, workers)))
        wanted = workers
        if load.here < workers:
            # Those that were wanted last are on their way.
            self._forget()
        elif self._is_short(now):
            wanted = workers + max(1, workers // 2)
        elif now - self._began >= SHRINK_S:
            wanted = max(look.needed for look in self._looks)
        wanted = max(fewest, min(most, wanted))
        if wanted != workers:
            self._forget()
        return wanted

    def _note(self, look: _Look) -> None:
        self._looks.append(look)
        while self._looks[0].at < look.at - SHRINK_S:
            self._looks.popleft()

    def _is_short(self, now: float) -> bool:
        if now - self._began < GROW_S:
            return False
        short = [look.is_short for look in self._looks if look.at > now - GROW_S]
        return len(short) >= _FEWEST_LOOKS and sum(short) >= _WAITING_SHARE * len(short)

    def _forget(self) -> None:
        """With another number of workers, what was before says nothing."""
        self._looks.clear()
        self._began = self._clock()
