"""The memory of the processes of models, looked at beside the event loop."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Optional

import gevent
from gevent.lock import BoundedSemaphore

from mms.event_loop.in_thread import in_thread
from mms.runtime.shared_memory import proportional_bytes

# The kernel goes through the page tables of a process: 2 ms for each GB.
_FRESH_S = 5.0
# A process that maps memory holds up who looks at it; what was known before is told.
_LONGEST_LOOK_S = 1.0
# So many processes may hold up a thread each; others need these, too.
_MOST_HELD_UP = 2


class ProcessMemory:
    """Memory of processes, as it was seconds ago at most; ask on the event loop."""

    def __init__(self) -> None:
        # Process id -> bytes, and when it was looked at, in monotonic seconds.
        self._known: dict[int, tuple[int, float]] = {}
        # Those that a thread looks at now, or that hold one up since an earlier look.
        self._looked_at: set[int] = set()
        self._one_at_a_time = BoundedSemaphore(1)

    def of(self, pids: Collection[int]) -> Mapping[int, int]:
        """Process id -> its proportional share in bytes; without those of which nothing is known.

        Parameters
        ----------
        pids
            All processes of interest: what is known of others is forgotten.
        """
        with self._one_at_a_time:
            self._look_again(pids)
            return {pid: size for pid, (size, _) in self._known.items()}

    def _look_again(self, pids: Collection[int]) -> None:
        now = time.monotonic()
        self._known = {pid: known for pid, known in self._known.items() if pid in pids}
        stale = [pid for pid in pids if pid not in self._looked_at and (
            pid not in self._known or now - self._known[pid][1] > _FRESH_S)]
        # In any order: who is slow to look at is not before the same others each time.
        random.shuffle(stale)
        found: dict[int, Optional[int]] = {}
        with gevent.Timeout(_LONGEST_LOOK_S, False):
            if stale and len(self._looked_at) < _MOST_HELD_UP:
                in_thread(lambda: self._look_at(stale, found, now + _LONGEST_LOOK_S))
        # A thread that is held up may go on with its own.
        self._known.update({pid: (size, now) for pid, size in found.copy().items()
                            if size is not None})

    def _look_at(self, pids: Iterable[int], found: dict[int, Optional[int]], end: float) -> None:
        for pid in pids:
            if time.monotonic() >= end:
                break
            self._looked_at.add(pid)
            try:
                found[pid] = proportional_bytes(pid)
            finally:
                self._looked_at.discard(pid)
