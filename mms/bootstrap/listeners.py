"""The sockets of a server, and the application behind each."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Callable, Optional, Protocol

import gevent
from gevent import socket
from gevent.event import Event

from mms.config.cors_origins import NO_ORIGIN, Origins
from mms.config.settings import Settings
from mms.errors import AddressError
from mms.frontend.http.binding import bind
from mms.frontend.http.limits import UNLIMITED, Limits
from mms.frontend.http.server import BACKLOG, HTTPServer
from mms.frontend.http.tls import TLS
from mms.frontend.http.unix_socket import UnixSocket
from mms.fronts.acceptor import Acceptor
from mms.fronts.fleet import Fleet
from mms.metrics.refusals import Refusals
from mms.runtime.byte_budget import ByteBudget
from mms.runtime.service_manager import PassedSockets

# Of the endpoints of the models; those of other listeners may be anything else.
MAIN = 'http'
# The same in a folder.
UNIX = 'unix'
# Of those that a service manager may pass on.
NAMES = (MAIN, 'metrics', 'management')
_EVERY_ADDRESS = ('0.0.0.0', '::')


class Busy(Protocol):
    """Some connections."""

    @property
    def busy(self) -> int:
        """How many are answering a request."""


class Serving(Protocol):
    """Who serves connections."""

    @property
    def connections(self) -> Busy:
        """Those that are open."""

    @property
    def is_awaited(self) -> bool:
        """Whether a request is in flight, or may be on its way."""

    def begin_drain(self) -> None:
        """Have each answer say that its connection is closed after it."""

    def drain(self, timeout_s: float, hurry: Event) -> bool:
        """Accept nothing more, and wait for the requests in flight; whether all have an answer."""

    def end(self) -> None:
        """Close every connection."""


class Listeners:
    """Binds early, so that a port that is taken stops the start; listens when there is an answer.

    Parameters
    ----------
    budget
        Where large heads count that are held.
    undo
        Closes what is open.
    passed
        Sockets that are bound already; None for no such.
    limits
        What the clients of each may take.
    refusals
        Where it is counted what is refused.
    reuse_port
        Whether other servers may bind to the same ports.
    tls
        The certificate of all of them; None for plain HTTP.
    """

    def __init__(self, budget: ByteBudget, undo: ExitStack,
                 passed: Optional[PassedSockets] = None, reuse_port: bool = False,
                 tls: Optional[TLS] = None, limits: Limits = UNLIMITED,
                 refusals: Optional[Refusals] = None) -> None:
        self._budget = budget
        self._undo = undo
        self._passed = passed or PassedSockets(NAMES, {})
        self._reuse_port = reuse_port
        self._tls = tls
        self._limits = limits
        self._refusals = refusals
        self._sockets: dict[str, socket.socket] = {}
        self._addresses: dict[str, tuple[str, int]] = {}
        self._kept_open: set[str] = set()
        self._unix: Optional[UnixSocket] = None
        self._servers: dict[str, HTTPServer] = {}
        self._fleet: Optional[Fleet] = None

    def is_passed(self, name: str) -> bool:
        """Whether a socket of that name was bound already, and is not taken."""
        return name in self._passed.names

    def bind(self, name: str, host: str, port: int, said: str) -> int:
        """Take an address for the listener of a name, unless it has a socket already; its port.

        Parameters
        ----------
        said
            Where the host comes from, for messages.

        Raises
        ------
        AddressError
        """
        if self.is_passed(name):
            sock = socket.socket(fileno=self._passed.take(name))
            sock.setblocking(False)
            self._kept_open.add(name)
        else:
            sock = bind(host, port, said, self._reuse_port)
        self._sockets[name] = self._undo.enter_context(sock)
        address = _address_of(sock)
        if any(_collide(address, other) for other in self._addresses.values()):
            raise AddressError(f'port {address[1]} on {host} is that of this server already: give '
                               'another --port')
        self._addresses[name] = address
        return self.port(name)

    def bind_unix(self, path: str, said: str) -> None:
        """See that there can be a Unix socket, which is made when it is listened on.

        Raises
        ------
        AddressError
        """
        self._unix = UnixSocket(path, said, self._reuse_port)
        self._undo.callback(self._unix.remove)
        self._addresses[UNIX] = f'unix:{self._unix.path}', 0

    def host(self, name: str) -> str:
        """On which address the listener of a name is bound, as numbers; ``unix:PATH`` of a socket
        in a folder.
        """
        return self._addresses[name][0]

    def is_bound(self, name: str) -> bool:
        """Whether there is a listener of that name."""
        return name in self._addresses

    def port(self, name: str) -> int:
        """On which port the listener of a name is bound; 0 of a socket in a folder."""
        return self._addresses[name][1]

    def is_kept_open(self, name: str) -> bool:
        """Whether the socket of a name was bound by somebody else, who keeps it."""
        return name in self._kept_open

    def listen(self, name: str, application: Any, origins: Origins = NO_ORIGIN,
               fleet: Optional[Fleet] = None) -> HTTPServer:
        """Answer on a listener's address from now on; the server that does so.

        Parameters
        ----------
        origins
            Pages of these may ask there.
        fleet
            Front processes that take the connections; None for none.

        Raises
        ------
        AddressError
            Another process took the port since it was bound.
        """
        if name == UNIX and self._unix:
            self._sockets[name] = self._undo.enter_context(self._unix.listen(BACKLOG))
        sock = self._sockets[name]
        tls = None if sock.family == socket.AF_UNIX else self._tls
        kind: Callable[..., HTTPServer] = HTTPServer
        if fleet is not None:
            kind, self._fleet = partial(Acceptor, name, fleet), fleet
        server = kind(sock, application, self._budget, self.is_kept_open(name), tls, origins,
                      self._limits, self._refusals)
        self._undo.callback(server.end)
        server.listen()
        self._servers[name] = server
        return server

    def begin_drain(self) -> None:
        """Have each answer say that its connection is closed after it."""
        for server in self._serving:
            server.begin_drain()

    def drain(self, timeout_s: float, hurry: Event) -> bool:
        """Accept nothing more, and wait for the requests in flight; whether all have an answer.

        Parameters
        ----------
        timeout_s
            How long to wait.
        hurry
            Ends the waiting when it is set.
        """
        if self._unix:
            self._unix.remove()
        servers, end = self._serving, time.monotonic() + timeout_s
        while True:
            drained = [gevent.spawn(server.drain, end - time.monotonic(), hurry)
                       for server in servers]
            gevent.joinall(drained, raise_error=True)
            # On kept connections of one, requests come while another is waited for.
            if time.monotonic() >= end or hurry.is_set() or not any(
                    server.is_awaited for server in servers):
                return not any(server.connections.busy for server in servers)

    def end(self) -> None:
        """Close every connection; safe to call twice."""
        # That of the models, which is the last, is asked most.
        for server in reversed(self._serving):
            server.end()

    @property
    def _serving(self) -> list[Serving]:
        return [*self._servers.values(), *([self._fleet] if self._fleet else [])]


def _address_of(sock: socket.socket) -> tuple[str, int]:
    address = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return f'unix:{os.fsdecode(address)}', 0
    host, port = address[:2]
    return host, port


def _collide(one: tuple[str, int], other: tuple[str, int]) -> bool:
    """Whether both cannot listen. The kernel says so late, and never where ports are shared."""
    return one[1] == other[1] and (one[0] == other[0] or one[0] in _EVERY_ADDRESS
                                   or other[0] in _EVERY_ADDRESS)


def bind_main(listeners: Listeners, settings: Settings) -> Sequence[str]:
    """Take the addresses at which models are asked; the listeners that have them.

    Raises
    ------
    AddressError
    """
    names = []
    if settings.wants_port or listeners.is_passed(MAIN):
        listeners.bind(MAIN, settings.host, settings.port, settings.said('host'))
        names.append(MAIN)
    if settings.uds is not None:
        listeners.bind_unix(settings.uds, settings.said('uds'))
        names.append(UNIX)
    return names
