"""Sends an answer piece by piece: to a client that is slow, and beside others."""

from __future__ import annotations

import errno
import logging
import socket
from typing import Any

from mms.event_loop.yielding import TimeSlice
from mms.ipc.messages import Body
from mms.runtime.byte_budget import PIECE_BYTES

logger = logging.getLogger(__name__)

# Pieces of an answer that are this small together leave in one write.
_SMALL_BYTES = 64 * 1024
# A client that takes nothing of its answer for so long has left in all but name.
_ANSWER_STALL_S = 60.0


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
        How many bytes of the present answer have left.
    """

    def __init__(self, sock: Any, client: Any, time_slice: TimeSlice) -> None:
        self._socket = sock
        self._client = client
        self._time_slice = time_slice
        self._held = bytearray()
        self.sent_bytes = 0

    def begin(self) -> None:
        """Time is counted for answers from now on."""
        self._socket.settimeout(_ANSWER_STALL_S)

    def write(self, data: Body) -> None:
        """Send a piece, or keep it for the next one if it is small."""
        if len(self._held) + len(data) <= _SMALL_BYTES:
            self._held += data
            return
        self.flush()
        self._send(data)

    def flush(self) -> None:
        """Send what was kept."""
        data, self._held = self._held, bytearray()
        self._send(data)

    def forget(self) -> None:
        """Send nothing of what was kept."""
        self._held.clear()

    def _send(self, data: Body) -> None:
        """Send piece by piece: each has its own time limit, and others their turns between."""
        with memoryview(data) as rest:
            while rest:
                try:
                    sent = self._socket.send(rest[:PIECE_BYTES])
                except socket.timeout:
                    logger.error('%s has taken nothing of its answer for %.0f s; the connection '
                                 'is closed.', self._client[0], _ANSWER_STALL_S)
                    raise ConnectionResetError(errno.ECONNRESET, 'stalled') from None
                self.sent_bytes += sent
                rest = rest[sent:]
                if self.sent_bytes > PIECE_BYTES:
                    self._time_slice.yield_if_over()
