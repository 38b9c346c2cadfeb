"""What comes from a client, counted on its way from the socket to who reads it."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any, Optional


class TooSlow(socket.timeout):
    """A client sends or takes less than it has to."""


class Received(socket.SocketIO):
    """Reads from a socket; what reads from this may read ahead.

    Attributes
    ----------
    count
        How many bytes have come.
    """

    def __init__(self, sock: Any) -> None:
        super().__init__(sock, 'r')
        self.count = 0
        self._error: Optional[TooSlow] = None
        self._has_stopped = False

    def readinto(self, buffer: Any) -> Optional[int]:
        """As many bytes as there are; see :class:`io.RawIOBase`."""
        if self._has_stopped:
            # Who has waited for so long does not wait again.
            raise OSError('nothing has come for long')
        # Not that of SocketIO: it takes as long as all else that is read with.
        try:
            count: int = self._sock.recv_into(buffer)  # type: ignore[attr-defined]  # of SocketIO
        except OSError as error:
            self._has_stopped = isinstance(error, socket.timeout)
            if self._error:
                raise self._error from None
            if isinstance(error, BlockingIOError):
                return None
            raise
        if self._error:
            raise self._error
        self.count += count
        return count

    def end(self, error: TooSlow, sock: Any) -> None:
        """Have whoever reads, now or later, get this error."""
        self._error = error
        _shut_down(sock, socket.SHUT_RD)


def cut(sock: Any) -> None:
    """End a connection: whoever sends there fails."""
    _shut_down(sock, socket.SHUT_RDWR)


def _shut_down(sock: Any, how: int) -> None:
    """End a direction of a connection; whoever waits for it goes on.

    Of the kernel's socket, whatever is in between.
    """
    with suppress(OSError), socket.socket(fileno=socket.dup(sock.fileno())) as kernels:
        kernels.shutdown(how)
