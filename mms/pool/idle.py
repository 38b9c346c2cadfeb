"""Which of the free workers is taken: pure policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Optional

from mms.devices.device import Device
from mms.pool.worker import Worker


def best_idle(idle: Iterable[Worker], threads: int, busy: Counter[Optional[Device]]) -> Worker:
    """The one with the most threads up to `threads`, or else with the fewest.

    Of several one on the device on which the fewest are `busy`, and of these the one that was
    busy last: its memory is the warmest.

    Parameters
    ----------
    idle
        The one that was busy last is the last.
    """
    numbers = {worker.kind.threads for worker in idle}
    best = max([number for number in numbers if number <= threads] or [min(numbers)])
    alike = [worker for worker in idle if worker.kind.threads == best]
    if not busy:
        return alike[-1]
    return min(reversed(alike), key=lambda worker: busy[worker.kind.device])
