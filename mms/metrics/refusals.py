"""What was refused before any route was asked: counted always, told in the log now and then."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Optional

logger = logging.getLogger(__name__)

BAD_HEAD = 'bad_head'
LONG_LINE = 'long_line'
LARGE_HEAD = 'large_head'
LATE_HEAD = 'late_head'
BUFFERS_FULL = 'buffers_full'
CONNECTIONS = 'max_connections'
CLIENT_CONNECTIONS = 'max_connections_per_client'
RATE = 'rate_limit'
SLOW_UPLOAD = 'slow_upload'
SLOW_READER = 'slow_reader'
HANDSHAKE = 'tls_handshake'
UNAUTHORIZED = 'unauthorized'
FORBIDDEN = 'forbidden'
REASONS = (BAD_HEAD, LONG_LINE, LARGE_HEAD, LATE_HEAD, BUFFERS_FULL, CONNECTIONS,
           CLIENT_CONNECTIONS, RATE, SLOW_UPLOAD, SLOW_READER, HANDSHAKE, UNAUTHORIZED, FORBIDDEN)

# Of each reason: so many lines at once, and from then on one in so long. Whoever is refused a
# thousand times a second fills no disk.
_LINES_AT_ONCE = 10
_SECONDS_A_LINE = 1.0


class Refusals:
    """Counts them by reason; any thread may."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(REASONS, 0)
        self._lines = {reason: _Lines() for reason in REASONS}

    def count(self, reason: str, message: str, level: int = logging.INFO) -> None:
        """Count one, and log it unless there were many just now.

        Parameters
        ----------
        reason
            One of `REASONS`.
        message
            For the log: what was refused, and to whom.
        """
        with self._lock:
            self._counts[reason] += 1
            untold = self._lines[reason].next_line()
        if untold is not None:
            logger.log(level, '%s%s', message,
                       f' ({untold} more like this are not logged)' if untold else '')

    def take(self) -> Mapping[str, int]:
        """Reason -> how many there were since the last time."""
        with self._lock:
            taken = {reason: count for reason, count in self._counts.items() if count}
            self._counts = dict.fromkeys(REASONS, 0)
        return taken

    def add(self, counts: Mapping[str, int]) -> None:
        """Count what another has counted, and has told the log."""
        with self._lock:
            for reason, count in counts.items():
                self._counts[reason] += count

    def counts(self) -> Mapping[str, int]:
        """Reason -> how many there were."""
        with self._lock:
            return self._counts.copy()


class _Lines:
    """When a line of one reason is due."""

    def __init__(self) -> None:
        self._room_from = 0.0
        self._untold = 0

    def next_line(self) -> Optional[int]:
        """How many were kept back since the last line; None where this one is, too."""
        now = time.monotonic()
        earliest = now - (_LINES_AT_ONCE - 1) * _SECONDS_A_LINE
        if self._room_from > now:
            self._untold += 1
            return None
        self._room_from = max(self._room_from, earliest) + _SECONDS_A_LINE
        untold, self._untold = self._untold, 0
        return untold
