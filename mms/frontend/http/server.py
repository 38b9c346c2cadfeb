"""The HTTP server: gevent's pywsgi, bound early, drained before it ends."""

from __future__ import annotations

import errno
import logging
import time
from contextlib import suppress
from typing import Any, Optional

import gevent
from gevent import socket
from gevent.event import Event
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer

from mms.config.cors_origins import EVERY_ORIGIN, Origins
from mms.event_loop.garbage import GarbageCollector
from mms.event_loop.guard import attempt, log_escaped
from mms.frontend.http.admission import Admission, Peer
from mms.frontend.http.binding import address_error
from mms.frontend.http.connection import Connection
from mms.frontend.http.last_connections import LastConnections
from mms.frontend.http.limits import UNLIMITED, Limits
from mms.frontend.http.open_connections import OpenConnections, Use
from mms.frontend.http.pace import Pace
from mms.frontend.http.refusal import TurnedAway, refusal
from mms.frontend.http.tls import TLS
from mms.frontend.http.tls_handshake import Handshake
from mms.frontend.http.tls_socket import TLSSocket
from mms.metrics.refusals import Refusals
from mms.runtime.byte_budget import ByteBudget
from mms.runtime.reuse_port import lead_anywhere

logger = logging.getLogger(__name__)

BACKLOG = 1024
# Connections that are accepted before others have their turn: no more than are tidied up meanwhile,
# or those that come and go at once would become ever more.
_MOST_ACCEPTED = 3
# How often a server that ends looks whether somebody is still to be served.
_LOOK_S = 0.02
# Nothing in a connection waits when it is closed.
_KILL_S = 1.0
# gevent tries again within a second, for as long as it lasts.
_ACCEPT_WARNING_S = 60.0
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class HTTPServer(WSGIServer):  # type: ignore[misc]  # gevent has no types
    """Serves a WSGI application on a bound socket.

    Parameters
    ----------
    sock
        From :func:`~mms.frontend.http.binding.bind`.
    app
        The application.
    budget
        Where large heads count that are held; None for one without a limit.
    limits
        What its clients may take.
    refusals
        Where it counts what is refused.
    is_kept_open
        Somebody else has the socket too, and keeps it open for the next server: what this one has
        not accepted when it ends is left to that.
    tls
        The certificate; None for plain HTTP.
    origins
        Pages of these may read what it refuses.

    Attributes
    ----------
    budget, origins, limits, refusals
        As given.
    connections
        Those that are open.
    draining
        Each answer tells its client that the connection is closed after it.
    """

    handler_class = Connection
    max_accept = _MOST_ACCEPTED

    def __init__(self, sock: socket.socket, app: Any, budget: Optional[ByteBudget] = None,
                 is_kept_open: bool = False, tls: Optional[TLS] = None,
                 origins: Origins = EVERY_ORIGIN, limits: Limits = UNLIMITED,
                 refusals: Optional[Refusals] = None) -> None:
        # A pool, so that stopping ends the idle connections too.
        super().__init__(sock, app, log=None, error_log=logger, spawn=Pool())
        self.budget = budget or ByteBudget()
        self.limits = limits
        self.refusals = refusals or Refusals()
        self.connections = OpenConnections()
        self.origins = origins
        self._admission = Admission(limits, self.connections)
        self._pace: Optional[Pace] = None
        self._is_kept_open = is_kept_open
        self._tls = tls
        self.environ['wsgi.url_scheme'] = 'http' if tls is None else 'https'
        self._next_accept_warning = 0.0
        self._garbage: Optional[GarbageCollector] = None
        self.draining = False

    def listen(self) -> None:
        """Begin to accept connections.

        Raises
        ------
        AddressError
            Another process took the port since it was bound.
        """
        try:
            self.socket.listen(BACKLOG)
        except OSError as error:
            host, port = self.socket.getsockname()[:2]
            raise address_error(host, port, error) from error
        # By one that has ended meanwhile, to one that it took for this.
        lead_anywhere(self.socket)
        self.start()
        self.begin()

    def begin(self) -> None:
        """Look after the connections that there will be."""
        gevent.get_hub().print_exception = _log_failure
        self._garbage = GarbageCollector(self.budget)
        self._pace = Pace(self.connections, self.limits)

    def do_handle(self, sock: socket.socket, address: Any) -> None:
        """Let a connection in, or turn it away: nothing here may wait."""
        peer, reason = self._admission.admit(Peer.of(address), len(self.pool))
        if peer is None:
            self._turn_away(sock, address, reason)
        else:
            super().do_handle(sock, peer)

    def _turn_away(self, sock: socket.socket, address: Any, reason: str) -> None:
        self.refusals.count(reason, f'A connection of {Peer.of(address).host} is refused.')
        _turn_away(sock, reason, is_plain=self._tls is None)

    def handle(self, sock: socket.socket, address: Any) -> None:
        """Serve one connection."""
        # A large answer leaves in several writes: without this the second one waits
        # for the client's delayed ACK, 40 ms on a kept-alive connection.
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._serve(sock, address)
        finally:
            self._admission.left(address)

    def _serve(self, sock: socket.socket, peer: Peer) -> None:
        if self._tls is not None:
            sock = self._secured(sock, peer, self._tls)
            if sock is None:
                return
        connection = self.handler_class(sock, peer, self)
        self.connections.turn_to(connection, Use.WAITING)
        try:
            connection.handle()
        finally:
            self.connections.forget(connection)

    def _secured(self, sock: socket.socket, peer: Peer, tls: TLS) -> Optional[TLSSocket]:
        """The connection under TLS, if its client can."""
        handshake = Handshake(sock, peer, tls.context, self.refusals,
                              lambda: self.connections.turn_to(handshake, Use.READING))
        self.connections.turn_to(handshake, Use.WAITING)
        try:
            return handshake.run()
        finally:
            self.connections.forget(handshake)

    def accept_failed(self, error: BaseException) -> None:
        """A connection could not be accepted for want of descriptors or memory."""
        now = time.monotonic()
        if now >= self._next_accept_warning:
            self._next_accept_warning = now + _ACCEPT_WARNING_S
            logger.warning('No connection can be accepted: %s', error)

    def head_began(self, connection: Connection) -> None:
        """The first line of a request was read."""
        self.connections.turn_to(connection, Use.READING)

    def request_began(self, connection: Connection) -> None:
        """The head of a request was read."""
        self.connections.turn_to(connection, Use.BUSY)

    def request_ended(self, connection: Connection) -> None:
        """A request was answered, or there was none."""
        self.connections.turn_to(connection, Use.WAITING)

    @property
    def is_awaited(self) -> bool:
        """Whether a request is in flight, or may be on its way."""
        # A connection is known once its greenlet has begun.
        return self.connections.awaited or len(self.pool) > len(self.connections)

    def begin_drain(self) -> None:
        """Tell each client with its next answer that its connection is closed after it."""
        self.draining = True

    def drain(self, timeout_s: float, hurry: Event) -> bool:
        """Accept nothing more, and wait for the requests in flight, and for those that are sent
        at this moment.

        Parameters
        ----------
        timeout_s
            How long to wait.
        hurry
            Ends the waiting when it is set.

        Returns
        -------
        bool
            False when requests are still in flight.
        """
        end = time.monotonic() + timeout_s
        self.begin_drain()
        if not self.closed:
            self.stop_accepting()
            if not self._is_kept_open:
                attempt('the last connections', LastConnections(self).accept)
            self.close()
        while self.is_awaited and time.monotonic() < end and not hurry.wait(_LOOK_S):
            pass
        return not self.connections.busy

    def end(self) -> None:
        """Close every connection; safe to call twice."""
        # stop() would look at sockets first: who is not awaited might begin a request.
        self.close()
        self.pool.kill(timeout=_KILL_S)
        if self._garbage is not None:
            self._garbage.stop()
        if self._pace is not None:
            self._pace.stop()


def _turn_away(sock: socket.socket, reason: str, is_plain: bool) -> None:
    """Say why, as far as that takes no time, and close the connection."""
    error = TurnedAway(reason)
    with suppress(OSError), sock:
        if is_plain:
            sock.setblocking(False)
            sock.send(refusal(error.status, '', str(error)))


def _log_failure(context: Any, kind: type, error: Any, trace: Any) -> None:
    """What gevent's hub would print on standard error."""
    if (isinstance(context, HTTPServer) and isinstance(error, OSError)
            and error.errno in _NO_ROOM):
        context.accept_failed(error)
    else:
        log_escaped(context, kind, error, trace)
