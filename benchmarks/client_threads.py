"""Threads of clients that go on all the time, from entry to exit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

Self = TypeVar('Self', bound='ClientThreads')


class ClientThreads:
    """Clients, each in a thread, which end when :attr:`is_over` is set.

    Parameters
    ----------
    clients
        What each thread does.
    """

    def __init__(self, clients: Sequence[Callable[[], None]]) -> None:
        self.is_over = threading.Event()
        self._threads = [threading.Thread(target=client, daemon=True) for client in clients]

    def __enter__(self: Self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.is_over.set()
        for thread in self._threads:
            thread.join()
