"""How many bytes of requests and answers the front process holds, and how many it may."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Union

from mms.errors import BuffersFull

# What is read, written, cleared or freed at one go: some 20 us. It counts before it comes: a client
# that announces much may send little.
PIECE_BYTES = 64 * 1024


class ByteBudget:
    """Counts the bytes that are held.

    Parameters
    ----------
    limit_bytes
        Most that may be held.

    Attributes
    ----------
    held_bytes
        How many are.
    """

    def __init__(self, limit_bytes: int = sys.maxsize) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0
        # Chunks are forgotten wherever their last user lets go of them, in any thread.
        self._lock = threading.RLock()

    def reserve(self, count: int) -> None:
        """Hold so many more.

        Raises
        ------
        BuffersFull
            They would be more than may be held; nothing was taken.
        """
        with self._lock:
            if self.held_bytes + count > self.limit_bytes:
                raise full(self.limit_bytes)
            self.held_bytes += count

    def release(self, count: int) -> None:
        """Hold so many less."""
        with self._lock:
            self.held_bytes -= count


def full(limit_bytes: int) -> BuffersFull:
    """What is told where as many bytes are held as may be."""
    return BuffersFull('The server holds as many bytes of requests and answers as it may, '
                       f'{limit_bytes} (--max-buffered-bytes).')


class Reservation:
    """Bytes that count as held until this is released.

    Parameters
    ----------
    budget
        Where they count.
    """

    __slots__ = ('_budget', '_count')

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._count = 0

    def reserve(self, count: int) -> None:
        """Hold so many more.

        Raises
        ------
        BuffersFull
        """
        self._budget.reserve(count)
        self._count += count

    def release(self) -> None:
        """Hold none."""
        if self._count:
            self._budget.release(self._count)
            self._count = 0


class ChunkedBuffer:
    """Bytes in pieces, which count as held until this is forgotten.

    In pieces, since to clear, to copy or to free some hundred megabytes at one go would hold up
    the event loop.

    Parameters
    ----------
    budget
        Where they count.
    """

    __slots__ = ('_budget', '_counted', '_pieces', '_size')

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._pieces: list[Union[bytes, bytearray]] = []
        self._size = 0
        self._counted = 0

    @property
    def budget(self) -> ByteBudget:
        """Where they count."""
        return self._budget

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Union[bytes, bytearray]]:
        return iter(self._pieces)

    def __bytes__(self) -> bytes:
        return b''.join(self._pieces)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (ChunkedBuffer, bytes, bytearray)):
            return bytes(self) == bytes(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __del__(self) -> None:
        if self._counted:
            self._budget.release(self._counted)

    def append(self, piece: Union[bytes, bytearray]) -> None:
        """Add a piece.

        Raises
        ------
        BuffersFull
        """
        self._count(len(piece))
        self._size += len(piece)
        self._pieces.append(piece)

    def read(self, read: Callable[[int], Union[bytes, bytearray]], left: int) -> int:
        """Add a piece, and count it before it comes, which may be slowly.

        Parameters
        ----------
        read
            Gives so many bytes, or fewer.
        left
            How many are expected.

        Returns
        -------
        int
            How many came.

        Raises
        ------
        BuffersFull
        """
        size = min(left, PIECE_BYTES)
        self._count(size)
        piece = read(size)
        if len(piece) < size:
            self._count(len(piece) - size)
        self._size += len(piece)
        self._pieces.append(piece)
        return len(piece)

    def consume(self) -> Iterator[Union[bytes, bytearray]]:
        """Each piece once; those before it are forgotten."""
        self._pieces.reverse()
        while self._pieces:
            piece = self._pieces.pop()
            yield piece
            self._size -= len(piece)
            self._count(-len(piece))

    def take(self) -> Union[bytes, bytearray]:
        """All that it holds, in one piece; nothing of it counts here any more."""
        pieces, self._pieces, self._size = self._pieces, [], 0
        self._count(-self._counted)
        return pieces[0] if len(pieces) == 1 else b''.join(pieces)

    def hand_over(self) -> Iterator[Union[bytes, bytearray]]:
        """Each piece once; it counts no more when it is given: another process counts it then."""
        self._pieces.reverse()
        while self._pieces:
            piece = self._pieces.pop()
            self._size -= len(piece)
            self._count(-len(piece))
            yield piece

    def _count(self, more: int) -> None:
        if more > 0:
            self._budget.reserve(more)
        else:
            self._budget.release(-more)
        self._counted += more
