"""The HTTP server of a front: it gets its connections from the process that has the listener."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional

from gevent import socket

from mms.config.cors_origins import Origins
from mms.frontend.http.admission import Peer
from mms.frontend.http.limits import Limits
from mms.frontend.http.open_connections import Use
from mms.frontend.http.server import HTTPServer
from mms.frontend.http.tls import TLS
from mms.metrics.refusals import Refusals
from mms.runtime.byte_budget import ByteBudget


class FrontServer(HTTPServer):
    """Serves the connections of one listener that it is given.

    Parameters
    ----------
    app, budget, tls, origins, limits, refusals
        See :class:`HTTPServer`.
    environ
        What the WSGI environment says of the listener.
    on_left
        Called with the client's address when a connection has ended.
    """

    def __init__(self, app: Any, budget: ByteBudget, tls: Optional[TLS], origins: Origins,
                 limits: Limits, refusals: Refusals, environ: Mapping[str, Any],
                 on_left: Callable[[str], None]) -> None:
        # Nobody connects to it.
        super().__init__(socket.socket(socket.AF_UNIX), app, budget, False, tls, origins, limits,
                         refusals)
        self.environ.update(environ)
        self._on_left = on_left

    def do_handle(self, sock: socket.socket, address: Peer) -> None:
        """Serve a connection that was let in."""
        super(HTTPServer, self).do_handle(sock, address)

    def handle(self, sock: socket.socket, address: Peer) -> None:
        """Serve one connection."""
        try:
            super().handle(sock, address)
        finally:
            self._on_left(address.host)

    def oldest(self, use: Use, before: float) -> Optional[float]:
        """Since when the connection has been used so that has been for longest; None for none
        since before a time.
        """
        found = self.connections.oldest(use, before, 1)
        return self.connections.since(found[0]) if found else None

    def give_way(self, use: Use, before: float) -> bool:
        """Close such a connection; whether there was one."""
        return self._admission.close_oldest(use, before)
