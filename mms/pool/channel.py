"""The front's end of a channel to a process of a model."""

from __future__ import annotations

from mms.errors import BuffersFull, InferenceError
from mms.event_loop.yielding import Turn
from mms.ipc.channel import Channel, Socket
from mms.runtime.byte_budget import PIECE_BYTES, Pieces, Room


class FrontChannel(Channel):
    """Reads answers in pieces, which count as held, and lets others have their turns between.

    Parameters
    ----------
    room
        Where they count. An answer that finds none is passed over, and is an error.
    """

    def __init__(self, sock: Socket, room: Room) -> None:
        super().__init__(sock)
        self._room = room
        self._turn = Turn()

    def _content(self, size: int) -> Pieces:
        if size > self._room.limit_bytes:
            self._pass_over(size)
            raise InferenceError(f'The answer has {size} bytes, more than the server may hold at '
                                 f'all, {self._room.limit_bytes} (--max-buffered-bytes).')
        pieces = Pieces(self._room)
        while len(pieces) < size:
            try:
                pieces.read(self._read, size - len(pieces))
            except BuffersFull:
                left = size - len(pieces)
                for _ in pieces.consume():
                    self._turn.go_on()
                self._pass_over(left)
                raise
            if size > PIECE_BYTES:
                self._turn.go_on()
        return pieces

    def _sent(self) -> None:
        self._turn.go_on()

    def _pass_over(self, size: int) -> None:
        while size:
            size -= len(self._read(min(size, PIECE_BYTES)))
            self._turn.go_on()
