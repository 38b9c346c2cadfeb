"""Threads for calls that wait; they keep no program from its end, as those of an executor do."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Callable, Optional

_Call = tuple['Future[Any]', Callable[[], Any]]


class Threads:
    """Runs calls in their order, so many at a time.

    Parameters
    ----------
    most
        How many threads there may be; each is started when there is a call for it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._calls: SimpleQueue[Optional[_Call]] = SimpleQueue()
        self._started = 0
        self._is_over = False

    def begin(self, call: Callable[[], Any]) -> Future[Any]:
        """Have a call run; the future has what it returns or raises."""
        future: Future[Any] = Future()
        self._calls.put((future, call))
        if self._started < self._most:
            self._started += 1
            threading.Thread(target=self._run, name='mms-predict', daemon=True).start()
        return future

    def end(self) -> None:
        """Begin no more calls; those that run are not waited for."""
        self._is_over = True
        for _ in range(self._started):
            self._calls.put(None)

    def _run(self) -> None:
        while True:
            given = self._calls.get()
            if given is None:
                return
            if not self._is_over:
                _fulfil(*given)
            # Or it would be kept until the next call.
            del given


def _fulfil(future: Future[Any], call: Callable[[], Any]) -> None:
    try:
        result = call()
    except BaseException as error:  # It is raised where the future is asked.
        future.set_exception(error)
    else:
        future.set_result(result)
