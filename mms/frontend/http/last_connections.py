"""The connections that come while a listener is being closed: none of them is lost."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any, Protocol

import gevent
from gevent import socket

from mms.runtime.reuse_port import is_shared, lead_anywhere, lead_to, listeners_on

# A client that connected a moment ago is accepted.
_ACCEPT_S = 0.02
# One to whom the kernel has answered here already, when the next are led elsewhere, has connected
# by then.
_HANDSHAKE_S = 0.2
_PAUSE_S = 0.01
# Where connections come as fast as they are accepted, they do not keep this from its end.
_MOST_AT_ONCE = 1024
_EVERYWHERE = {'0.0.0.0': '127.0.0.1', '::': '::1'}


class Server(Protocol):
    """A server that does not accept by itself any more."""

    socket: socket.socket

    def do_read(self) -> Any:
        """A connection and its client's address; None where none waits."""

    def do_handle(self, *connection: Any) -> None:
        """Serve a connection."""

    def accept_failed(self, error: BaseException) -> None:
        """Say that none can be accepted."""


class LastConnections:
    """Accepts what a listener still gets.

    Where other processes listen on the same port, new connections are led to one of them first.
    Nobody tells which of the kernel's numbers is whose, so that it is tried.

    Parameters
    ----------
    server
        Whose socket is closed next.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    def accept(self) -> None:
        """Accept what comes, until others get the rest, or nothing waits."""
        sock = self._server.socket
        others = listeners_on(sock) - 1 if is_shared(sock) else 0
        if others < 1:
            self._accept_for(_ACCEPT_S)
            return
        # The last one began to listen last.
        for number in range(others, -1, -1):
            if self._goes_elsewhere(number):
                # One that has begun to listen meanwhile has undone it.
                lead_to(sock, number)
                break
        else:
            lead_anywhere(sock)
        self._accept_waiting()

    def _goes_elsewhere(self, number: int) -> bool:
        """Lead connections to one of the listeners; whether it is another than this."""
        sock = self._server.socket
        if not lead_to(sock, number):
            return False
        host, port = sock.getsockname()[:2]
        with suppress(OSError), socket.create_connection(
                (_EVERYWHERE.get(host, host), port), timeout=_HANDSHAKE_S) as probe:
            own = probe.getsockname()[:2]
            return own not in self._accept_for(_HANDSHAKE_S)
        return False

    def _accept_for(self, seconds: float) -> set[Any]:
        """Accept what comes within a time, and what waits then; the clients' addresses."""
        clients, end = self._accept_waiting(), time.monotonic() + seconds
        while time.monotonic() < end:
            gevent.sleep(_PAUSE_S)
            clients |= self._accept_waiting()
        return clients

    def _accept_waiting(self) -> set[Any]:
        """Accept what waits; the clients' addresses."""
        clients: set[Any] = set()
        while len(clients) < _MOST_AT_ONCE:
            try:
                connection = self._server.do_read()
            except OSError as error:
                self._server.accept_failed(error)
                break
            if not connection:
                break
            self._server.do_handle(*connection)
            clients.add(connection[1][:2])
        return clients
