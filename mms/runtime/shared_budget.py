"""A budget of bytes that several processes have in common."""

from __future__ import annotations

import mmap
import os
import struct

from mms.runtime.byte_budget import ByteBudget, full

_CELL = struct.calcsize('q')


class SharedCells:
    """Numbers in memory that several processes share: each writes its own, and reads all.

    Parameters
    ----------
    fd
        Of the memory, which is kept open; it is inherited by who is to share it.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        # All of it, however many there are.
        self._memory = mmap.mmap(fd, 0)
        self.values = memoryview(self._memory).cast('q')

    @classmethod
    def made(cls, count: int) -> SharedCells:
        """New ones, all of them 0."""
        fd = os.memfd_create('mms-buffers')
        os.truncate(fd, count * _CELL)
        return cls(fd)

    def close(self) -> None:
        """Let go of the memory."""
        self.values.release()
        self._memory.close()
        os.close(self.fd)


class SharedBudget(ByteBudget):
    """Counts the bytes that this process holds, and lets all of them together hold no more.

    Parameters
    ----------
    limit_bytes
        Most that may be held by all.
    cells
        What each holds.
    place
        Which of them is this process's.
    """

    def __init__(self, limit_bytes: int, cells: SharedCells, place: int) -> None:
        super().__init__(limit_bytes)
        self.cells = cells
        self._place = place

    def reserve(self, count: int) -> None:
        """Hold so many more; see :class:`ByteBudget`."""
        values, place = self.cells.values, self._place
        with self._lock:
            held = self.held_bytes
            # Told before it is looked at: of two that take the last bytes at once, none goes
            # beyond.
            values[place] = held + count
            if sum(values) > self.limit_bytes:
                values[place] = held
                raise full(self.limit_bytes)
            self.held_bytes = held + count

    def release(self, count: int) -> None:
        """Hold so many less."""
        with self._lock:
            self.held_bytes -= count
            self.cells.values[self._place] = self.held_bytes

    def forget(self, place: int) -> None:
        """The process of that place has ended: it holds nothing."""
        self.cells.values[place] = 0
