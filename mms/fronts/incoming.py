"""Bodies that come from the other end piece by piece, those of many requests at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from mms.errors import BuffersFull
from mms.fronts.frames import Frame
from mms.runtime.byte_budget import ByteBudget, ChunkedBuffer

# Called with a body that has come whole; with an error where there was no room for it.
Whole = Callable[[ChunkedBuffer, Optional[BuffersFull]], Any]


class Incoming:
    """Puts bodies together.

    Parameters
    ----------
    budget
        Where they count.
    """

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._begun: dict[int, _Body] = {}

    def begin(self, frame: Frame, size: int, whole: Whole,
              budget: Optional[ByteBudget] = None) -> None:
        """A body of so many bytes comes, and begins in this frame.

        Parameters
        ----------
        budget
            Where it counts, if it is another than that of most.
        """
        body = _Body(size, ChunkedBuffer(budget or self._budget), whole)
        # As nearly all are, it is whole already.
        if body.add(frame.body):
            body.tell()
        else:
            self._begun[frame.number] = body

    def add(self, frame: Frame) -> None:
        """Another piece has come; one that belongs to nothing is passed over."""
        body = self._begun.get(frame.number)
        if body is not None and body.add(frame.body):
            del self._begun[frame.number]
            body.tell()

    def forget(self) -> None:
        """Nothing more comes of what has begun."""
        self._begun.clear()


class _Body:
    __slots__ = ('_content', '_error', '_left', '_whole')

    def __init__(self, size: int, content: ChunkedBuffer, whole: Whole) -> None:
        self._left = size
        self._content = content
        self._whole = whole
        self._error: Optional[BuffersFull] = None

    def add(self, piece: bytes) -> bool:
        """Whether it is whole."""
        self._left -= len(piece)
        if piece and self._error is None:
            try:
                self._content.append(piece)
            except BuffersFull as error:
                self._error = error
                for _ in self._content.hand_over():
                    pass
        return self._left <= 0

    def tell(self) -> None:
        self._whole(self._content, self._error)
