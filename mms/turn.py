"""Connections take turns: none holds the event loop for longer than a moment."""

from __future__ import annotations

import time

import gevent

# A small request takes half of it. What is read or written between two looks at the clock takes
# less.
_TURN_S = 0.001


class Turn:
    """How long one greenlet may go on while others wait."""

    def __init__(self) -> None:
        self._ends = 0.0

    def go_on(self) -> None:
        """Let the others have their turn where this one's is over."""
        if time.monotonic() >= self._ends:
            gevent.sleep(0)
            self._ends = time.monotonic() + _TURN_S
