"""Which of the free workers is taken: pure policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Optional

from mms.devices.device import Device
from mms.pool.worker import Worker


def can_serve(idle: Sequence[Worker], loaded: Sequence[Worker], threads: int) -> bool:
    """Whether a free worker may take requests that had best be computed on so many threads.

    One on more threads is not taken, unless there is no other kind.
    """
    if any(worker.kind.threads <= threads for worker in idle):
        return True
    return bool(idle) and all(worker.kind.threads > threads for worker in loaded)


def best_idle(idle: Sequence[Worker], threads: int,
              busy: Counter[Optional[Device]]) -> Worker:
    """The one with the most threads up to `threads`, or else with the fewest.

    Of several one on the device on which the fewest are `busy`, and of these the one that was
    busy last: its memory is the warmest.
    """
    fitting = [worker.kind.threads for worker in idle if worker.kind.threads <= threads]
    best = max(fitting) if fitting else min(worker.kind.threads for worker in idle)
    alike = [worker for worker in idle if worker.kind.threads == best]
    return max(alike, key=lambda worker: (-busy[worker.kind.device], worker.since))
