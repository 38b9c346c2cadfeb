"""What the processes of a server hold, over a long run, and whether it grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import psutil
from processes import tree

MEGABYTE = 2**20
FRONT, TEMPLATE, WORKER = 'front', 'template', 'worker'
KINDS = {'mms-model': TEMPLATE, 'mms-worker': WORKER}


class ProcessSample(NamedTuple):
    """What a process held after so many requests.

    Attributes
    ----------
    memory_mb
        Of its own (USS).
    """

    requests: int
    kind: str
    pid: int
    memory_mb: float
    descriptors: int
    threads: int


class Samples:
    """All samples of a run.

    Parameters
    ----------
    pid
        Of the front process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.all: list[ProcessSample] = []
        self.zombies: list[int] = []

    def take(self, requests: int) -> list[ProcessSample]:
        """Look at each process."""
        taken = []
        self.zombies = []
        for process in tree(self._pid):
            with suppress(psutil.Error):
                if process.status() == psutil.STATUS_ZOMBIE:
                    self.zombies.append(process.pid)
                    continue
                kind = FRONT if process.pid == self._pid else KINDS.get(process.name())
                if kind:
                    taken.append(ProcessSample(
                        requests, kind, process.pid, process.memory_full_info().uss / MEGABYTE,
                        process.num_fds(), process.num_threads()))
        self.all += taken
        return taken

    def new(self, kind: str) -> set[int]:
        """Processes of a kind that were not there in the first sample."""
        pids = {sample.pid for sample in self.all if sample.kind == kind}
        return pids - {sample.pid for sample in self.all
                       if sample.requests == self.all[0].requests}

    def series(self, kind: str, from_requests: int = 0) -> dict[int, list[ProcessSample]]:
        """Process id -> what a process of a kind held, from so many requests on."""
        found: dict[int, list[ProcessSample]] = {}
        for sample in self.all:
            if sample.kind == kind and sample.requests >= from_requests:
                found.setdefault(sample.pid, []).append(sample)
        return found


def slope(samples: Sequence[ProcessSample], value: Callable[[ProcessSample], float]) -> float:
    """By how much a value grows with each request: that of the straight line with the least
    squares; 0 where there are too few.
    """
    if len(samples) < 3:
        return 0.0
    mean_x = sum(one.requests for one in samples) / len(samples)
    mean_y = sum(value(one) for one in samples) / len(samples)
    spread = sum((one.requests - mean_x) ** 2 for one in samples)
    if not spread:
        return 0.0
    return sum((one.requests - mean_x) * (value(one) - mean_y) for one in samples) / spread
