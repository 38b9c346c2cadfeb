"""What the kernel knows of the other end of a connection, whatever has been read from it."""

from __future__ import annotations

import select
import time
from typing import Any

# A client that has closed one direction alone still waits for its answer. It looks like one that
# has left, so it gets its answer unless that takes longer than this.
_HALF_CLOSED_S = 1.0
# Linux alone tells it.
_SENDS_NO_MORE: int = getattr(select, 'POLLRDHUP', 0)


def has_sent(sock: Any) -> bool:
    """Whether something has come that nobody has read, or the other end has left."""
    return bool(_state_of(sock.fileno(), select.POLLIN))


def has_left(sock: Any, began: float) -> bool:
    """Whether the other end has closed the connection; any thread may ask.

    Nothing that has been sent is looked at: of that the client's next request may be a part, and
    under TLS it says nothing.

    Parameters
    ----------
    began
        When its request began, by the monotonic clock.
    """
    try:
        state = _state_of(sock.fileno(), _SENDS_NO_MORE)
    except (AttributeError, OSError, ValueError):
        # It has ended on this side too.
        return True
    if state & ~_SENDS_NO_MORE:
        return True
    return bool(state) and time.monotonic() - began > _HALF_CLOSED_S


def _state_of(descriptor: int, asked: int) -> int:
    """0 while both sides may send."""
    poll = select.poll()
    # Errors and both directions closed are reported unasked.
    poll.register(descriptor, asked)
    return sum(events for _, events in poll.poll(0))
