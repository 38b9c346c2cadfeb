"""Sends an answer piece by piece: to a client that is slow, and beside others."""

from __future__ import annotations

import errno
import fcntl
import logging
import socket
import struct
import termios
from typing import Any

from mms.event_loop.yielding import TimeSlice
from mms.ipc.request import Body
from mms.runtime.byte_budget import PIECE_BYTES

logger = logging.getLogger(__name__)

# Pieces of an answer that are this small together leave in one write.
_SMALL_BYTES = 64 * 1024
# A client that takes nothing of its answer for so long has left in all but name.
_ANSWER_STALL_S = 60.0
_INT = struct.Struct('i')


class AnswerWriter:
    """Sends the answers of one connection.

    Parameters
    ----------
    sock
        The connection.
    client
        Its address.
    time_slice
        The connection's.

    Attributes
    ----------
    sent_bytes
        How many bytes of the present answer the system has taken.
    is_sending
        Whether more are on their way to it.
    """

    def __init__(self, sock: Any, client: Any, time_slice: TimeSlice) -> None:
        self._socket = sock
        self._client = client
        self._time_slice = time_slice
        self._held = bytearray()
        self.sent_bytes = 0
        self.is_sending = False

    @property
    def taken_bytes(self) -> int:
        """How many bytes of the present answer the client's system has said to have."""
        return self.sent_bytes - _unsent(self._socket)

    def begin(self) -> None:
        """Another answer begins."""
        self.sent_bytes = 0

    def write(self, data: Body) -> None:
        """Send a piece, or keep it for the next one if it is small."""
        if len(self._held) + len(data) <= _SMALL_BYTES:
            self._held += data
            return
        self.flush()
        self._send(data)

    def flush(self) -> None:
        """Send what was kept."""
        if self._held:
            data, self._held = self._held, bytearray()
            self._send(data)

    def forget(self) -> None:
        """Send nothing of what was kept."""
        self._held.clear()

    def _send(self, data: Body) -> None:
        """Send piece by piece: each has its own time limit, and others their turns between."""
        self._socket.settimeout(_ANSWER_STALL_S)
        self.is_sending = True
        try:
            with memoryview(data) as rest:
                while rest:
                    sent = self._send_some(rest[:PIECE_BYTES])
                    self.sent_bytes += sent
                    rest = rest[sent:]
                    if self.sent_bytes > PIECE_BYTES:
                        self._time_slice.yield_if_over()
        finally:
            self.is_sending = False

    def _send_some(self, piece: Body) -> int:
        before = 0
        while True:
            try:
                sent: int = self._socket.send(piece)
                return sent
            except socket.timeout:
                # The system waits until a good part of its buffer is free.
                taken = self.taken_bytes
                if taken > before:
                    before = taken
                    continue
                logger.error('%s has taken nothing of its answer for %.0f s; the connection '
                             'is closed.', self._client[0], _ANSWER_STALL_S)
                raise ConnectionResetError(errno.ECONNRESET, 'stalled') from None


def _unsent(sock: Any) -> int:
    """Bytes that the system has, and the other end has not taken yet."""
    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(_INT.size))
    except OSError:
        return 0
    count: int = _INT.unpack(answer)[0]
    return count
