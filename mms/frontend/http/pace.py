"""Clients that keep a request going with a byte now and then: they hold memory for nothing."""

from __future__ import annotations

import time
from typing import Any, NamedTuple, Protocol

import gevent

from mms.event_loop.guard import GuardedLoop
from mms.event_loop.yielding import TimeSlice
from mms.frontend.http.limits import Limits
from mms.frontend.http.open_connections import OpenConnections, Use

# How often it is looked: by so much may a client be slow for longer.
_LOOK_S = 2.0
_EVERY = 10**9


class Transfer(NamedTuple):
    """What is on its way on a connection.

    Attributes
    ----------
    number
        Which one of the connection's.
    is_upload
        Whether it is the body of a request, or an answer.
    moved_bytes
        How many have come, or were taken.
    """

    number: int
    is_upload: bool
    moved_bytes: int


class Slow(Protocol):
    """A connection."""

    def transfer(self) -> Any:
        """What is on its way; None for nothing."""

    def end_slow(self, rate: int) -> None:
        """It is too slow."""


class Pace:
    """Looks at what is on its way, and ends what has hardly moved.

    Nothing is done for a request that takes less than a moment.

    Parameters
    ----------
    connections
        Those that are open.
    limits
        How slow they may be.
    """

    def __init__(self, connections: OpenConnections, limits: Limits) -> None:
        self._connections = connections
        self._rate = limits.least_rate
        self._window_s = limits.rate_window_s
        # Connection -> what was on its way, and when.
        self._noted: dict[Slow, tuple[Transfer, float]] = {}
        self._loop = GuardedLoop('clients that are slow', self._turn) if self._rate else None

    def stop(self) -> None:
        """Look no more."""
        if self._loop:
            self._loop.kill()

    def _turn(self) -> None:
        gevent.sleep(min(_LOOK_S, self._window_s))
        self.look()

    def look(self) -> None:
        """Look once."""
        time_slice = TimeSlice()
        before = time.monotonic() - min(_LOOK_S, self._window_s)
        noted, self._noted = self._noted, {}
        for connection in self._connections.oldest(Use.BUSY, before, _EVERY):
            time_slice.yield_if_over()
            now, transfer = time.monotonic(), connection.transfer()
            if transfer is None:
                continue
            known, since = noted.get(connection, (transfer, now))
            if known[:2] != transfer[:2]:
                known, since = transfer, now
            if now - since >= self._window_s:
                if transfer.moved_bytes - known.moved_bytes < self._rate * (now - since):
                    connection.end_slow(self._rate)
                    continue
                known, since = transfer, now
            self._noted[connection] = known, since
