"""The open connections of a server, and which of them a server that ends must wait for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import Enum
from typing import Any

# A client that has just connected, or has just had an answer on a connection that stays open, asks
# within this time, or not soon. Cut off meanwhile, it would lose its request on the way.
_ASKS_WITHIN_S = 1.0


class Use(Enum):
    """What a connection is used for."""

    WAITING = 'waiting for a request'
    READING = 'reading the head of a request, or at its TLS handshake'
    BUSY = 'answering a request'


class OpenConnections:
    """What each open connection is used for, and since when."""

    def __init__(self) -> None:
        self._uses: dict[Any, Use] = {}
        # Of each use: connection -> since when. Those that have been used so for longest come
        # first.
        self._since: dict[Use, dict[Any, float]] = {use: {} for use in Use}

    def __len__(self) -> int:
        return len(self._uses)

    def __contains__(self, connection: Any) -> bool:
        return connection in self._uses

    @property
    def busy(self) -> int:
        """How many are answering a request."""
        return len(self._since[Use.BUSY])

    @property
    def awaited(self) -> bool:
        """Whether a request is in flight, or may be on its way."""
        recently = time.monotonic() - _ASKS_WITHIN_S
        return bool(self.busy) or any(since > recently for use in (Use.WAITING, Use.READING)
                                      for since in self._since[use].values())

    def oldest(self, use: Use, before: float, most: int) -> Sequence[Any]:
        """Those that have been used so since before a time, the oldest first.

        Parameters
        ----------
        most
            How many are wanted.
        """
        found: list[Any] = []
        for connection, since in self._since[use].items():
            if since > before or len(found) == most:
                break
            found.append(connection)
        return found

    def since(self, connection: Any) -> float:
        """Since when an open connection has been used as it is now."""
        return self._since[self._uses[connection]][connection]

    def turn_to(self, connection: Any, use: Use) -> None:
        """Note what a connection is used for from now on."""
        self.forget(connection)
        self._uses[connection] = use
        self._since[use][connection] = time.monotonic()

    def forget(self, connection: Any) -> None:
        """Note that a connection is closed; safe to call twice."""
        use = self._uses.pop(connection, None)
        if use is not None:
            del self._since[use][connection]
