"""Python's search for cycles, which takes the longer the more there is to look through: 85 ms with
1,500 connections, in which nobody is answered.
"""

from __future__ import annotations

import gc
import time

import gevent

from mms.guard import Loop

# A full search is due so often, where it takes a moment.
_PAUSE_S = 30.0
# Which it does with so many objects.
_FEW = 50_000
# Where it never does, it is made all the same after this long: what is in cycles is memory.
_LONGEST_PAUSE_S = 1800.0
_NEVER = 1_000_000_000


class GarbageCollector:
    """Full searches at quiet moments, of what has come since this was made.

    What a request leaves behind goes without a search; little is in cycles.
    """

    def __init__(self) -> None:
        self._before = gc.get_threshold()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*self._before[:2], _NEVER)
        self._collected_at = time.monotonic()
        self._loop = Loop('the search for garbage', self._collect)

    def stop(self) -> None:
        """Leave it to Python again."""
        self._loop.kill()
        gc.set_threshold(*self._before)
        gc.unfreeze()

    def _collect(self) -> None:
        gevent.sleep(_PAUSE_S)
        is_due = time.monotonic() >= self._collected_at + _LONGEST_PAUSE_S
        if is_due or len(gc.get_objects(generation=2)) <= _FEW:
            gc.collect()
            self._collected_at = time.monotonic()
