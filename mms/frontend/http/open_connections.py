"""The open connections of a server, and which of them a server that ends must wait for."""

from __future__ import annotations

import time
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
        self._uses: dict[Any, tuple[Use, float]] = {}

    def __len__(self) -> int:
        return len(self._uses)

    @property
    def busy(self) -> int:
        """How many are answering a request."""
        return sum(use is Use.BUSY for use, _ in self._uses.values())

    @property
    def awaited(self) -> bool:
        """Whether a request is in flight, or may be on its way."""
        recently = time.monotonic() - _ASKS_WITHIN_S
        return any(use is Use.BUSY or since > recently for use, since in self._uses.values())

    def turn_to(self, connection: Any, use: Use) -> None:
        """Note what a connection is used for from now on."""
        self._uses[connection] = (use, time.monotonic())

    def forget(self, connection: Any) -> None:
        """Note that a connection is closed; safe to call twice."""
        self._uses.pop(connection, None)
