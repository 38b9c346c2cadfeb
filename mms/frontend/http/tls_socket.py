"""Connections under TLS, and how a connection ends: its client is told, and nothing is reset."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import gevent
from gevent import socket
from gevent.ssl import SSLContext, SSLSocket

from mms.event_loop.yielding import TimeSlice
from mms.frontend.http.tls_engine import TLSEngine
from mms.runtime.byte_budget import PIECE_BYTES

# Of what a client has sent and nobody reads: a connection that is closed over it is reset.
_UNREAD_BYTES = 16384
# Who is refused is read for so long.
_LAST_BYTES_S = 1.0
_MOST_LAST_BYTES = 1024**2


class TLSSocket(SSLSocket):  # type: ignore[misc]  # gevent has no types
    """Says goodbye before it sends no more."""

    def shutdown(self, how: int) -> None:
        """As of any socket; what is read from now on is not deciphered."""
        timeout = self.gettimeout()
        _say_goodbye(self)
        self.settimeout(timeout)
        super().shutdown(how)


class TLSContext(SSLContext):  # type: ignore[misc]
    """Makes such connections."""

    sslsocket_class = TLSSocket

    def _wrap_socket(self, sock: Any, server_side: bool, *_: Any, **__: Any) -> TLSEngine:
        """What gevent asks for when it makes one."""
        return TLSEngine(sock, partial(self._wrap_bio, server_side=server_side))


def close(sock: Any) -> None:
    """Close a connection of gevent's, whoever else holds it."""
    with suppress(OSError):
        try:
            if isinstance(sock, TLSSocket):
                _say_goodbye(sock)
            sock._sock.recv(_UNREAD_BYTES)
        finally:
            # At once: the stream that reads from it may live on for a moment.
            sock._sock.close()
            sock.close()


def linger(sock: Any, time_slice: TimeSlice) -> None:
    """Send nothing more, and read on for a moment: a client that is still sending would see a reset
    connection, and not its answer.

    Raises
    ------
    OSError
        The connection has ended.
    """
    sock.shutdown(socket.SHUT_WR)
    left = _MOST_LAST_BYTES
    with gevent.Timeout(_LAST_BYTES_S, False):
        while left > 0:
            piece = sock.recv(min(left, PIECE_BYTES))
            if not piece:
                break
            left -= len(piece)
            time_slice.yield_if_over()


def _say_goodbye(sock: TLSSocket) -> None:
    """Send the alert ``close_notify``, as far as that takes no time: without it, a client cannot
    tell an end from a cut.
    """
    sock.setblocking(False)
    # It is sent, and the answer to it is not waited for. Without a handshake there is nothing to
    # end.
    with suppress(OSError, ValueError):
        sock.unwrap()
