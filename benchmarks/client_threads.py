"""Threads of clients that go on all the time, from entry to exit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Optional, TypeVar

Self = TypeVar('Self', bound='ClientThreads')


class ClientThreads:
    """Clients, each in a thread, which end when :attr:`is_over` is set.

    What one of them raises ends it, and is raised when all have ended.

    Parameters
    ----------
    clients
        What each thread does.
    """

    def __init__(self, clients: Sequence[Callable[[], None]]) -> None:
        self.is_over = threading.Event()
        self._threads = [threading.Thread(target=self._run_client, args=[client], daemon=True)
                         for client in clients]
        self._errors: list[BaseException] = []

    def __enter__(self: Self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: Optional[type[BaseException]], *error: object) -> None:
        self.is_over.set()
        for thread in self._threads:
            thread.join()
        if self._errors and kind is None:
            raise self._errors[0]

    def _run_client(self, client: Callable[[], None]) -> None:
        try:
            client()
        except BaseException as error:
            self._errors.append(error)
