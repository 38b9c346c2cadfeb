"""What is known of the health of one model's workers: pure policy."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Callable, Optional

from mms.pool.process import WorkerProcess


class Condition(Enum):
    """What a worker's ping said when it was last asked."""

    UNASKED = 'unasked'
    WELL = 'well'
    ILL = 'ill'


@dataclass(frozen=True)
class _Record:
    condition: Condition = Condition.UNASKED
    asked_at: float = 0.0
    ill_since: float = 0.0


_UNASKED = _Record()
# One worker may end by an accident while it is asked. Where two do, one after the other, and none
# answers between, it is the asking.
_LOST_IN_A_ROW = 2


class Health:
    """The answers of one model's workers.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._records: dict[WorkerProcess, _Record] = {}
        # Why a worker is ill, or why workers are lost; empty when one was well since.
        self._reason = ''
        self._lost_in_a_row = 0
        # Answers from before count no more.
        self._doubted_at = 0.0
        self._due_before = 0.0

    def heard(self, worker: WorkerProcess, reason: str) -> bool:
        """A worker has answered: why it is ill, or an empty string; whether it is ill only now."""
        before, now = self._of(worker), self._clock()
        self._reason = reason
        self._lost_in_a_row = 0
        if not reason:
            self._records[worker] = _Record(Condition.WELL, now)
            return False
        was_ill = before.condition is Condition.ILL
        self._records[worker] = _Record(Condition.ILL, now, before.ill_since if was_ill else now)
        if not was_ill:
            # Whether this is the worker or the model is known when the others have answered.
            self._due_before = now
        return not was_ill

    def lost(self, reason: str) -> None:
        """A worker ended by itself, or hung, while it was asked.

        That says nothing of the others: they are asked when they are done.
        """
        self._lost_in_a_row += 1
        self._due_before = self._clock()
        if self._lost_in_a_row >= _LOST_IN_A_ROW:
            self._reason = reason

    def doubt(self, reason: str) -> None:
        """A new worker is ill, too: only those that are well from now on are known to be."""
        self._reason = reason
        self._doubted_at = self._due_before = self._clock()

    def condition(self, worker: WorkerProcess) -> Condition:
        """What a worker last said."""
        return self._of(worker).condition

    def is_well(self, worker: WorkerProcess) -> bool:
        """Whether a worker was well, and nothing was heard since that casts doubt on it."""
        record = self._of(worker)
        return record.condition is Condition.WELL and record.asked_at > self._doubted_at

    def verdict(self, here: Iterable[WorkerProcess]) -> str:
        """Why none of these workers is well; an empty string if one is, or nothing is known."""
        return '' if any(self.is_well(worker) for worker in here) else self._reason

    def has_well_peer(self, worker: WorkerProcess, here: Iterable[WorkerProcess]) -> bool:
        """Whether a worker is ill, and another was found well since."""
        record = self._of(worker)
        return record.condition is Condition.ILL and any(
            self.is_well(other) and self._of(other).asked_at > record.ill_since
            for other in here if other is not worker)

    def ill(self, here: Iterable[WorkerProcess]) -> list[WorkerProcess]:
        """Those of these workers that are ill, the longest first."""
        ill = [worker for worker in here if self.condition(worker) is Condition.ILL]
        return sorted(ill, key=lambda worker: self._of(worker).ill_since)

    def next(self, free: Collection[WorkerProcess]) -> Optional[WorkerProcess]:
        """Whose turn it is to be asked: it was asked the longest ago."""
        return min(free, key=self._asked_at) if free else None

    def unasked_for(self, seconds: float,
                    free: Iterable[WorkerProcess]) -> list[WorkerProcess]:
        """Those that were not asked lately; a busy one is due from now on."""
        before = self._clock() - seconds
        self._due_before = max(self._due_before, before)
        return [worker for worker in free if self._of(worker).asked_at < before]

    def is_due(self, worker: WorkerProcess) -> bool:
        """Whether a worker is to be asked as soon as it is free."""
        return self._of(worker).asked_at < self._due_before

    def keep(self, here: Collection[WorkerProcess]) -> None:
        """Forget all others."""
        self._records = {worker: self._records[worker]
                         for worker in here if worker in self._records}

    def _asked_at(self, worker: WorkerProcess) -> float:
        return self._of(worker).asked_at

    def _of(self, worker: WorkerProcess) -> _Record:
        return self._records.get(worker, _UNASKED)
