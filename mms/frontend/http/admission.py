"""Who is let in: a connection that has just been accepted, where there are many."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

from mms.config.trusted_proxies import UNIX
from mms.frontend.client_key import client_key
from mms.frontend.http.limits import Limits
from mms.frontend.http.open_connections import OpenConnections, Use
from mms.metrics.refusals import CLIENT_CONNECTIONS, CONNECTIONS

# So many beyond the limit are heard all the same: who asks for the health of the server gets an
# answer, and everybody else is told why there is none.
MOST_HEARD = 64
# One that has waited so long for a request gives way to another client; a client that has just had
# an answer may be sending the next request.
_IDLE_S = 1.0
# The same of one whose head is on its way, which takes a moment.
_SLOW_HEAD_S = 5.0
# Of those that have waited longest, so many are looked at: on some a request has just come.
_MOST_LOOKED_AT = 8


class Peer(NamedTuple):
    """The other end of a connection.

    Attributes
    ----------
    host
        Its address, or ``unix``.
    port
        Its port; 0 where it has none.
    refusal
        Why nothing but the health of the server is told there; empty for any other.
    """

    host: str
    port: int
    refusal: str = ''

    @classmethod
    def of(cls, address: Any) -> Peer:
        """Of what accept() gives."""
        return cls(*address[:2]) if isinstance(address, tuple) else cls(UNIX, 0)


class Admission:
    """Counts the clients of one port.

    Parameters
    ----------
    limits
        What they may take.
    connections
        Those that are open.
    """

    def __init__(self, limits: Limits, connections: OpenConnections) -> None:
        self._limits = limits
        self._connections = connections
        self._by_client: Counter[str] = Counter()
        self._heard = 0

    def admit(self, peer: Peer, count: int) -> tuple[Optional[Peer], str]:
        """The peer as it is to be served, None for not at all; and why it is refused.

        Parameters
        ----------
        count
            How many connections are open.
        """
        reason = ''
        if self._has_too_many(peer):
            reason = CLIENT_CONNECTIONS
        elif self.is_full(peer, count) and not self._make_room():
            reason = CONNECTIONS
        if reason:
            if self._heard >= MOST_HEARD:
                return None, reason
            self._heard += 1
            peer = peer._replace(refusal=reason)
        if self._limits.connections_per_client:
            self._by_client[client_key(peer.host)] += 1
        return peer, reason

    def is_full(self, peer: Peer, count: int) -> bool:
        """Whether a client that may have another connection gets it only in place of one."""
        return count - self._heard >= self._limits.connections and not self._has_too_many(peer)

    def left(self, peer: Peer) -> None:
        """A connection that was let in has ended."""
        if peer.refusal:
            self._heard -= 1
        if self._limits.connections_per_client:
            key = client_key(peer.host)
            self._by_client[key] -= 1
            if not self._by_client[key]:
                del self._by_client[key]

    def _has_too_many(self, peer: Peer) -> bool:
        most = self._limits.connections_per_client
        return (bool(most) and self._by_client[client_key(peer.host)] >= most
                and peer.host != UNIX and not self._limits.exempt.trusts(peer.host))

    def _make_room(self) -> bool:
        """Close a connection that is not used; whether there was one."""
        now = time.monotonic()
        return any(self.close_oldest(use, now - after_s) for use, after_s in gives_way_after_s())

    def close_oldest(self, use: Use, before: float) -> bool:
        """Close the connection that has been used so for longest, since before a time, and on
        which nothing has come; whether there was one.
        """
        for connection in self._connections.oldest(use, before, _MOST_LOOKED_AT):
            if connection.give_way():
                self._connections.forget(connection)
                return True
        return False


def gives_way_after_s() -> Sequence[tuple[Use, float]]:
    """What a connection is used for that gives way to another, and for how long it has been; the
    first that there is.
    """
    return (Use.WAITING, _IDLE_S), (Use.READING, _SLOW_HEAD_S)
