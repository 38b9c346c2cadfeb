"""Memory of the front process, looked after at quiet moments.

Python's full search for cycles takes the longer the more there is to look through: 85 ms with 1,500
connections, in which nobody is answered. What malloc keeps of 600 MB that were freed goes back to
the system in 40 ms.
"""

from __future__ import annotations

import gc
import time

import gevent

from mms.guard import Loop
from mms.in_thread import in_thread
from mms.private_memory import give_back, private_bytes
from mms.room import Room

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
    room
        What requests and answers hold.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._before = gc.get_threshold()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*self._before[:2], _NEVER)
        self._collected_at = time.monotonic()
        self._private_bytes = private_bytes()
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
        if self._room.held_bytes <= _HELD_BYTES and \
                in_thread(private_bytes) > self._private_bytes + _KEPT_BYTES:
            in_thread(give_back)
            self._private_bytes = in_thread(private_bytes)
