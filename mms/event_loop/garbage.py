"""Memory of the front process, looked after at quiet moments.

Python's full search for cycles takes the longer the more there is to look through: 85 ms with 1,500
connections, in which nobody is answered. What malloc keeps of 600 MB that were freed goes back to
the system in 40 ms.
"""

from __future__ import annotations

import gc
import time

import gevent

from mms.event_loop.guard import GuardedLoop
from mms.event_loop.in_thread import in_thread
from mms.runtime.byte_budget import ByteBudget
from mms.runtime.private_memory import private_bytes, trim_malloc

# A full search is due so often, where it takes a moment.
_PAUSE_S = 30.0
# Which it does with so many objects.
_FEW = 50_000
# Where it never does, it is made all the same after this long: what is in cycles is memory.
_LONGEST_PAUSE_S = 300.0
_NEVER = 1_000_000_000
# So much more than before may be kept of what was freed; and while requests and answers take more
# than so much, it is no quiet moment.
_KEPT_BYTES = 64 * 1024**2
_HELD_BYTES = 16 * 1024**2


class GarbageCollector:
    """Full searches at quiet moments, of what has come since this was made.

    What a request leaves behind goes without a search; little is in cycles.

    Parameters
    ----------
    budget
        What requests and answers hold.
    """

    _running = 0
    _thresholds: tuple[int, int, int]
    _was_frozen: bool

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._is_stopped = False
        self._begin()
        self._collected_at = time.monotonic()
        self._private_bytes = private_bytes()
        self._loop = GuardedLoop('the search for garbage', self._collect)

    @classmethod
    def _begin(cls) -> None:
        if not cls._running:
            cls._thresholds, cls._was_frozen = gc.get_threshold(), gc.get_freeze_count() > 0
        cls._running += 1
        gc.collect()
        gc.freeze()
        gc.set_threshold(*cls._thresholds[:2], _NEVER)

    @classmethod
    def _end(cls) -> None:
        cls._running -= 1
        if not cls._running:
            gc.set_threshold(*cls._thresholds)
            if not cls._was_frozen:
                gc.unfreeze()

    def stop(self) -> None:
        """Leave it to Python again, where no other one is running; safe to call twice."""
        if not self._is_stopped:
            self._is_stopped = True
            self._loop.kill()
            self._end()

    def _collect(self) -> None:
        gevent.sleep(_PAUSE_S)
        is_quiet = self._budget.held_bytes <= _HELD_BYTES
        is_due = time.monotonic() >= self._collected_at + _LONGEST_PAUSE_S
        if is_due or (is_quiet and len(gc.get_objects(generation=2)) <= _FEW):
            gc.collect()
            self._collected_at = time.monotonic()
        now = in_thread(private_bytes)
        if is_quiet and now > self._private_bytes + _KEPT_BYTES:
            in_thread(trim_malloc)
            self._private_bytes = in_thread(private_bytes)
        else:
            self._private_bytes = min(now, self._private_bytes)
