"""How much memory a process has for itself, and how it gives back what it does not need."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_FILE = '/proc/self/smaps_rollup'


def private_bytes() -> int:
    """Bytes that nobody shares with this process; 0 where the system does not say."""
    with suppress(OSError), open(_FILE) as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith('Private_'))
    return 0


def trim_malloc() -> None:
    """Return the memory that was freed, and that malloc keeps for later, to the system (glibc)."""
    trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)
    if trim is not None:
        trim(0)


class FreedMemoryLimit:
    """What a process may keep of the memory that it has freed.

    A batch leaves freed memory behind that malloc keeps for the next one (AlexNet: 80 MB after a
    batch of 16), in each worker. To take it anew from the system costs some milliseconds.

    Parameters
    ----------
    kept_bytes
        So much more than now may be kept.
    """

    def __init__(self, kept_bytes: int) -> None:
        self._most = private_bytes() + kept_bytes

    def keep(self) -> None:
        """Give freed memory back if there is more than is allowed."""
        if private_bytes() > self._most:
            trim_malloc()
