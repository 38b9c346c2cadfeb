"""A slow prober: how long the health endpoint takes while others load the server."""

from __future__ import annotations

import http.client
import threading
import time
from typing import Optional

PERIOD_S = 0.02
TIMEOUT_S = 30


class Prober:
    """Asks one path on a connection of its own every 20 ms, from entry to exit.

    Attributes
    ----------
    times_ms : list of float
        One a probe that was answered 200.
    errors : int
        Probes that were answered otherwise, or not at all.
    """

    def __init__(self, port: int, path: str, source: str = '127.0.0.1') -> None:
        self.times_ms: list[float] = []
        self.errors = 0
        self._path = path
        self._connection = http.client.HTTPConnection('127.0.0.1', port, timeout=TIMEOUT_S,
                                                      source_address=(source, 0))
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Prober:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._connection.close()

    def percentile_ms(self, percent: float) -> Optional[float]:
        """Return a percentile of the probes; None where there was no good one."""
        return percentile(self.times_ms, percent) if self.times_ms else None

    def _run(self) -> None:
        while not self._is_over.is_set():
            start = time.perf_counter()
            if self._ask():
                self.times_ms.append((time.perf_counter() - start) * 1000)
            else:
                self.errors += 1
            self._is_over.wait(max(0.0, PERIOD_S - (time.perf_counter() - start)))

    def _ask(self) -> bool:
        try:
            self._connection.request('GET', self._path)
            answer = self._connection.getresponse()
            answer.read()
            return answer.status == http.client.OK
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return False


def percentile(values: list[float], percent: float) -> float:
    """Return the nearest-rank percentile of values that are not empty."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
