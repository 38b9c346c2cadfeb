"""The HTTP server: gevent's pywsgi, bound early, drained before it ends."""

from __future__ import annotations

import errno
import logging
from typing import Any, Optional

import gevent
from gevent import socket
from gevent.event import Event
from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer

from mms.errors import AddressError

logger = logging.getLogger(__name__)

_BACKLOG = 1024


def bind(host: str, port: int) -> socket.socket:
    """Socket bound to an address, not yet listening: nobody is left waiting while models load.

    Raises
    ------
    AddressError
        The port is taken, not allowed, or the host is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise AddressError(f'--host {host} is not an address of this machine: '
                           f'{error.strerror}') from error
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise _address_error(host, port, error) from error
    return sock


def _address_error(host: str, port: int, error: OSError) -> AddressError:
    if error.errno == errno.EADDRINUSE:
        return AddressError(f'port {port} on {host} is already in use: stop what listens '
                            'there, or give another --port')
    if error.errno == errno.EACCES:
        return AddressError(f'port {port} may not be used by this user: give a --port '
                            'from 1024 on')
    return AddressError(f'cannot listen on {host}, port {port} ({error.strerror}): '
                        'give another --host or --port')


class _Handler(WSGIHandler):
    """A connection that the server can count requests of."""

    def read_requestline(self) -> Any:
        line = super().read_requestline()
        if line:
            self.server.request_began(self)
        return line

    def handle_one_request(self) -> Any:
        try:
            return super().handle_one_request()
        finally:
            self.server.request_ended(self)

    def finalize_headers(self) -> None:
        if self.server.draining:
            self.close_connection = True
            self.response_headers.append((b'Connection', b'close'))
        super().finalize_headers()


class HTTPServer(WSGIServer):
    """Serves a WSGI application on a bound socket.

    Parameters
    ----------
    sock
        From :func:`bind`.
    app
        The application.
    """

    handler_class = _Handler

    def __init__(self, sock: socket.socket, app: Any) -> None:
        # A pool, so that stopping ends the idle connections too.
        super().__init__(sock, app, log=None, error_log=logger, spawn=Pool())
        self._busy: set[WSGIHandler] = set()
        self._quiet = Event()
        self._quiet.set()
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
        self.start()

    def handle(self, sock: socket.socket, address: Any) -> None:
        """Serve one connection."""
        # Head and body leave in two writes: without this the second one waits
        # for the client's delayed ACK, 40 ms on a kept-alive connection.
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().handle(sock, address)

    def request_began(self, handler: WSGIHandler) -> None:
        """A request line was read on a connection."""
        self._busy.add(handler)
        self._quiet.clear()

    def request_ended(self, handler: WSGIHandler) -> None:
        """The request on a connection was answered, or the connection ended."""
        self._busy.discard(handler)
        if not self._busy:
            self._quiet.set()

    def drain(self, timeout_s: Optional[float]) -> bool:
        """Accept nothing more, wait for the requests in flight, close.

        Returns
        -------
        bool
            False when requests were still in flight after `timeout_s`.
        """
        self.draining = True
        self.close()
        # A client that connected a moment ago gets to send what is on its way.
        gevent.sleep(0)
        finished = self._quiet.wait(timeout_s)
        self.stop(timeout=0)
        return bool(finished)
