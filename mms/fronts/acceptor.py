"""Accepts the connections of a listener, and hands them over to fronts."""

from __future__ import annotations

import time
from typing import Any, Protocol

import gevent
from gevent import socket

from mms.event_loop.guard import attempt
from mms.frontend.http.admission import MOST_HEARD, Peer
from mms.frontend.http.server import HTTPServer
from mms.metrics.refusals import CONNECTIONS

# A front that has been told to close a connection has done so by then.
_CLOSED_WITHIN_S = 0.5
_LOOK_S = 0.005


class Takers(Protocol):
    """Who takes connections over."""

    def hand_over(self, listener: str, sock: socket.socket, peer: Peer) -> bool:
        """Give a connection away; False where nobody takes it."""

    def make_room(self, listener: str) -> bool:
        """Have somebody close a connection that is not used; whether there was one."""


class Acceptor(HTTPServer):
    """Lets connections in as any server does, but has others serve them while there are some.

    Those that are beyond a limit it serves itself.

    Parameters
    ----------
    name
        Of the listener.
    takers
        Who takes connections over.
    arguments, options
        Of :class:`HTTPServer`.
    """

    def __init__(self, name: str, takers: Takers, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._name = name
        self._takers = takers
        self._elsewhere = 0
        self._coming = 0

    def do_handle(self, sock: socket.socket, address: Any) -> None:
        """Let a connection in, or turn it away: nothing here may wait."""
        # No more wait for room than are heard without any: each holds a descriptor.
        if self._elsewhere and self._coming < MOST_HEARD and self._admission.is_full(
                Peer.of(address), self._count):
            self._coming += 1
            gevent.spawn(self._let_in_late, sock, address)
        else:
            self._let_in(sock, address)

    def left_elsewhere(self, host: str) -> None:
        """A connection has ended that was handed over."""
        self._elsewhere -= 1
        self._admission.left(Peer(host, 0))

    @property
    def is_awaited(self) -> bool:
        """Whether a request is in flight, or may be on its way."""
        return self._coming > 0 or bool(super().is_awaited)

    @property
    def _count(self) -> int:
        return len(self.pool) + self._elsewhere

    def _let_in(self, sock: socket.socket, address: Any) -> None:
        peer, reason = self._admission.admit(Peer.of(address), self._count)
        if peer is None:
            self._turn_away(sock, address, reason)
        elif not reason and self._takers.hand_over(self._name, sock, peer):
            self._elsewhere += 1
            sock.close()
        elif self.closed:
            # While there was no room for it yet: nothing is begun here any more.
            self._admission.left(peer)
            self._turn_away(sock, address, reason or CONNECTIONS)
        else:
            super(HTTPServer, self).do_handle(sock, peer)

    def _let_in_late(self, sock: socket.socket, address: Any) -> None:
        try:
            attempt('a connection beyond a limit', self._make_room)
            self._let_in(sock, address)
        finally:
            self._coming -= 1

    def _make_room(self) -> None:
        before, end = self._elsewhere, time.monotonic() + _CLOSED_WITHIN_S
        if self._takers.make_room(self._name):
            while self._elsewhere >= before and time.monotonic() < end:
                gevent.sleep(_LOOK_S)
