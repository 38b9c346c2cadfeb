"""Connections for threads: each is lent to one at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable, Optional

import httpx

from mms.client.predictions.errors import WrongUse

CLOSED = 'the client is closed'


class Lender:
    """Keeps clients of HTTPX, with a connection each, and lends them.

    Of one that threads share, a thread may close the connection of another: it looks whether the
    server has ended what was idle a moment ago, and finds an answer to read there (httpcore 1.0.9).

    Parameters
    ----------
    make
        Makes one.
    most
        How many there may be.
    """

    def __init__(self, make: Callable[[], httpx.Client], most: int) -> None:
        self._make = make
        self._turns = threading.Semaphore(most)
        self._idle: list[httpx.Client] = []
        self._lock = threading.Lock()
        self._is_closed = False

    @contextmanager
    def lend(self, seconds: Optional[float]) -> Iterator[httpx.Client]:
        """One that nobody else has, the last one that was used, within so many seconds.

        Raises
        ------
        httpx.PoolTimeout
            None was free by then.
        WrongUse
            The lender is closed.
        """
        if not self._turns.acquire(timeout=seconds):
            raise httpx.PoolTimeout('no connection is free')
        try:
            client = self._take()
            try:
                yield client
            finally:
                self._put_back(client)
        finally:
            self._turns.release()

    def close(self) -> None:
        """Close all; what is lent, once it is back."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for client in idle:
            client.close()

    def _take(self) -> httpx.Client:
        with self._lock:
            if self._is_closed:
                raise WrongUse(CLOSED)
            if self._idle:
                return self._idle.pop()
        return self._make()

    def _put_back(self, client: httpx.Client) -> None:
        with self._lock:
            if not self._is_closed:
                self._idle.append(client)
                return
        client.close()
