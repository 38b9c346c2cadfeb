"""The front's end of a channel to a process of a model."""

from __future__ import annotations

from mms.errors import BuffersFull, InferenceError
from mms.event_loop.yielding import TimeSlice
from mms.ipc.channel import Channel, ChannelClosed, Socket
from mms.runtime.byte_budget import PIECE_BYTES, ByteBudget, ChunkedBuffer


class FrontChannel(Channel):
    """Reads answers in pieces, which count as held, and lets others have their turns between.

    Parameters
    ----------
    budget
        Where they count. An answer that finds none is passed over, and is an error.
    """

    def __init__(self, sock: Socket, budget: ByteBudget) -> None:
        super().__init__(sock)
        self._budget = budget
        self._time_slice = TimeSlice()

    def _content(self, size: int) -> ChunkedBuffer:
        if size > self._budget.limit_bytes:
            self._pass_over(size)
            raise InferenceError(f'The answer has {size} bytes, more than the server may hold at '
                                 f'all, {self._budget.limit_bytes} (--max-buffered-bytes).')
        pieces = ChunkedBuffer(self._budget)
        while len(pieces) < size:
            try:
                pieces.read(self._read, size - len(pieces))
            except BuffersFull:
                left = size - len(pieces)
                for _ in pieces.consume():
                    self._time_slice.yield_if_over()
                self._pass_over(left)
                raise
            if size > PIECE_BYTES:
                self._time_slice.yield_if_over()
        return pieces

    def _receive(self, view: memoryview) -> int:
        # Without room for descriptors: those that a service sends would fill this process.
        try:
            count = self._socket.recv_into(view)
        except OSError as error:
            raise ChannelClosed(str(error)) from error
        if not count:
            raise ChannelClosed('end of stream')
        return count

    def _sent(self) -> None:
        self._time_slice.yield_if_over()

    def _pass_over(self, size: int) -> None:
        while size:
            size -= len(self._read(min(size, PIECE_BYTES)))
            self._time_slice.yield_if_over()
