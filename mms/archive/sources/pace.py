"""How long a download may take: in all, and for each megabyte."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mms.errors import FetchError

# A modem brings it in three; a server that wants threads to wait for it brings less.
LEAST_BYTES = 256 * 1024
LEAST_EACH_S = 60.0
_LOOK_S = 0.5


class Pace:
    """Ends a download that takes too long, wherever it waits.

    Parameters
    ----------
    shown
        What to call the location in messages.
    seconds
        All that it may take, from now on.
    """

    def __init__(self, shown: str, seconds: float) -> None:
        self._shown = shown
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._received = 0
        self._due = LEAST_BYTES
        self._due_at = time.monotonic() + LEAST_EACH_S
        self._sockets: list[socket.socket] = []
        self._is_over = threading.Event()
        self._reason = ''

    def check(self) -> None:
        """Raise where it has taken too long.

        Raises
        ------
        FetchError
        """
        now = time.monotonic()
        if not self._reason and now >= self._ends:
            self._reason = (f'has not ended after {self._seconds:g} seconds '
                            '(--download-timeout)')
        if not self._reason and now >= self._due_at:
            self._reason = (f'comes too slowly: {self._received} bytes so far, and '
                            f'{LEAST_BYTES // 1024} KB each {LEAST_EACH_S:g} seconds are the least')
        if self._reason:
            raise FetchError(f'{self._shown}: the download {self._reason}')

    def count(self, received: int) -> None:
        """So many bytes more have come."""
        self.check()
        self._received += received
        if self._received >= self._due:
            self._due = self._received + LEAST_BYTES
            self._due_at = time.monotonic() + LEAST_EACH_S

    def begin(self) -> None:
        """It begins anew, after another attempt."""
        self._received, self._due = 0, LEAST_BYTES
        self._due_at = time.monotonic() + LEAST_EACH_S
        self.check()

    def watch(self, connection: Any) -> None:
        """End this connection, too, when it is over: whoever reads from it is woken."""
        with contextlib.suppress(OSError):
            # TLS takes the descriptor of the original away.
            self._sockets.append(socket.socket(fileno=os.dup(connection.fileno())))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Watch over the block, from a thread."""
        watcher = threading.Thread(target=self._run, name='download', daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._is_over.set()
            watcher.join()
            for connection in self._sockets:
                connection.close()

    def _run(self) -> None:
        while not self._is_over.wait(_LOOK_S):
            try:
                self.check()
            except FetchError:
                for connection in tuple(self._sockets):
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)
