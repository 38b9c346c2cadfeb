"""Content that comes in pieces, of any size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union

from mms.event_loop.yielding import TimeSlice
from mms.runtime.byte_budget import PIECE_BYTES, ChunkedBuffer

Piece = Union[bytes, bytearray, memoryview]


def append_pieces(whole: ChunkedBuffer, data: Iterable[Piece]) -> None:
    """Append them in pieces that are neither many nor large; others have their turn between.

    Raises
    ------
    BuffersFull
    """
    time_slice = TimeSlice()
    gathered: list[Piece] = []
    size = 0
    for piece in data:
        gathered.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            whole.append(b''.join(gathered))
            gathered, size = [], 0
            time_slice.yield_if_over()
    whole.append(b''.join(gathered))
