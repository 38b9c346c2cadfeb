"""The sockets of a server, and the application behind each."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import gevent
from gevent import socket
from gevent.event import Event

from mms.frontend.http.server import HTTPServer, bind
from mms.runtime.byte_budget import ByteBudget

# Of the endpoints of the models; those of other listeners may be anything else.
MAIN = 'http'


class Listeners:
    """Binds early, so that a port that is taken stops the start; listens when there is an answer.

    Parameters
    ----------
    budget
        Where large heads count that are held.
    undo
        Closes what is open.
    """

    def __init__(self, budget: ByteBudget, undo: ExitStack) -> None:
        self._budget = budget
        self._undo = undo
        self._sockets: dict[str, socket.socket] = {}
        self._ports: dict[str, int] = {}
        self._servers: dict[str, HTTPServer] = {}

    def bind(self, name: str, host: str, port: int, said: str) -> int:
        """Take an address for the listener of a name; its port.

        Parameters
        ----------
        said
            Where the host comes from, for messages.

        Raises
        ------
        AddressError
        """
        sock = self._undo.enter_context(bind(host, port, said))
        self._sockets[name] = sock
        self._ports[name] = sock.getsockname()[1]
        return self._ports[name]

    def port(self, name: str) -> int:
        """On which port the listener of a name is bound."""
        return self._ports[name]

    def listen(self, name: str, application: Any) -> None:
        """Answer on a listener's address from now on.

        Raises
        ------
        AddressError
            Another process took the port since it was bound.
        """
        server = HTTPServer(self._sockets[name], application, self._budget)
        self._undo.callback(server.end)
        server.listen()
        self._servers[name] = server

    def drain(self, timeout_s: float, hurry: Event) -> bool:
        """Accept nothing more, and wait for the requests in flight; whether all have an answer.

        Parameters
        ----------
        timeout_s
            How long to wait.
        hurry
            Ends the waiting when it is set.
        """
        drained = [gevent.spawn(server.drain, timeout_s, hurry)
                   for server in self._servers.values()]
        gevent.joinall(drained, raise_error=True)
        return all(one.value for one in drained)

    def end(self) -> None:
        """Close every connection; safe to call twice."""
        for server in self._servers.values():
            server.end()
