"""The HTTP server: gevent's pywsgi, bound early, drained before it ends."""

from __future__ import annotations

import errno
import logging
import select
import time
from typing import Any, Optional

import gevent
from gevent import socket
from gevent.event import Event
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer

from mms.errors import AddressError
from mms.event_loop.garbage import GarbageCollector
from mms.event_loop.guard import log_escaped
from mms.frontend.http.connection import Connection
from mms.runtime.byte_budget import ByteBudget

logger = logging.getLogger(__name__)

_BACKLOG = 1024
# Connections that are accepted before others have their turn: no more than are tidied up meanwhile,
# or those that come and go at once would become ever more.
_MOST_ACCEPTED = 3
# Time for the event loop to accept what the kernel holds already.
_LAST_ACCEPT_S = 0.02
# A request that is being sent when the server stops has its head here by then.
_LAST_HEADS_S = 1.0
# gevent tries again within a second, for as long as it lasts.
_ACCEPT_WARNING_S = 60.0
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def bind(host: str, port: int, said: str = '--host') -> socket.socket:
    """Socket bound to an address, not yet listening: nobody is left waiting while models load.

    `said` is where the host comes from, for messages.

    Raises
    ------
    AddressError
        The port is taken, not allowed, or the host is not this machine's.
    """
    _check_name(host, said)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise AddressError(f'{said} {host} is not an address of this machine: '
                           f'{error.strerror}') from error
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise _address_error(host, port, error) from error
    return sock


def _check_name(host: str, said: str) -> None:
    """As getaddrinfo does, over whose failure gevent would print a traceback."""
    try:
        host.encode('idna')
    except UnicodeError as error:
        raise AddressError(f'{said} {host} is not an address of this machine: '
                           'no name of a machine is like that') from error


def _address_error(host: str, port: int, error: OSError) -> AddressError:
    if error.errno == errno.EADDRINUSE:
        return AddressError(f'port {port} on {host} is already in use: stop what listens '
                            'there, or give another --port')
    if error.errno == errno.EACCES:
        return AddressError(f'port {port} may not be used by this user: give a --port '
                            'from 1024 on')
    return AddressError(f'cannot listen on {host}, port {port} ({error.strerror}): '
                        'give another --host or --port')


class HTTPServer(WSGIServer):  # type: ignore[misc]  # gevent has no types
    """Serves a WSGI application on a bound socket.

    Parameters
    ----------
    sock
        From :func:`bind`.
    app
        The application.
    budget
        Where large heads count that are held; None for one without a limit.
    """

    handler_class = Connection
    max_accept = _MOST_ACCEPTED

    def __init__(self, sock: socket.socket, app: Any, budget: Optional[ByteBudget] = None) -> None:
        # A pool, so that stopping ends the idle connections too.
        super().__init__(sock, app, log=None, error_log=logger, spawn=Pool())
        self.budget = budget or ByteBudget()
        self._heads: set[Connection] = set()
        self._busy: set[Connection] = set()
        self._quiet = Event()
        self._quiet.set()
        self._waits_for_heads = True
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
        host, port = self.socket.getsockname()[:2]
        try:
            self.socket.listen(_BACKLOG)
        except OSError as error:
            raise _address_error(host, port, error) from error
        gevent.get_hub().print_exception = _log_failure
        self.start()
        self._garbage = GarbageCollector(self.budget)

    def handle(self, sock: socket.socket, address: Any) -> None:
        """Serve one connection."""
        # A large answer leaves in several writes: without this the second one waits
        # for the client's delayed ACK, 40 ms on a kept-alive connection.
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().handle(sock, address)

    def accept_failed(self, error: BaseException) -> None:
        """A connection could not be accepted for want of descriptors or memory."""
        now = time.monotonic()
        if now >= self._next_accept_warning:
            self._next_accept_warning = now + _ACCEPT_WARNING_S
            logger.warning('No connection can be accepted: %s', error)

    def head_began(self, connection: Connection) -> None:
        """The first line of a request was read."""
        if self._waits_for_heads:
            self._heads.add(connection)
            self._quiet.clear()

    def request_began(self, connection: Connection) -> None:
        """The head of a request was read."""
        self._heads.discard(connection)
        self._busy.add(connection)
        self._quiet.clear()

    def request_ended(self, connection: Connection) -> None:
        """A request was answered, or its connection ended."""
        self._heads.discard(connection)
        self._busy.discard(connection)
        if not self._busy and not self._heads:
            self._quiet.set()

    def drain(self, timeout_s: float, hurry: Event) -> bool:
        """Accept nothing more, and wait for the requests in flight.

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
        if not self.draining:
            self.draining = True
            # A client that connected a moment ago is accepted, and gets to send what is on its way.
            self.max_accept = _BACKLOG
            with gevent.Timeout(_LAST_HEADS_S, False):
                gevent.sleep(_LAST_ACCEPT_S)
                while self._somebody_waits():
                    gevent.sleep(_LAST_ACCEPT_S)
            self.close()
            gevent.wait([self._quiet, hurry], timeout=_LAST_HEADS_S, count=1)
            self._forget_heads()
        gevent.wait([self._quiet, hurry], timeout=timeout_s, count=1)
        return not self._busy

    def end(self) -> None:
        """Close every connection; safe to call twice."""
        self.stop(timeout=0)
        if self._garbage is not None:
            self._garbage.stop()

    def _somebody_waits(self) -> bool:
        """Whether the kernel holds a connection that was not accepted yet."""
        waiting = select.poll()
        waiting.register(self.socket.fileno(), select.POLLIN)
        return bool(waiting.poll(0))

    def _forget_heads(self) -> None:
        self._waits_for_heads = False
        for connection in list(self._heads):
            self.request_ended(connection)


def _log_failure(context: Any, kind: type, error: Any, trace: Any) -> None:
    """What gevent's hub would print on standard error."""
    if (isinstance(context, HTTPServer) and isinstance(error, OSError)
            and error.errno in _NO_ROOM):
        context.accept_failed(error)
    else:
        log_escaped(context, kind, error, trace)
