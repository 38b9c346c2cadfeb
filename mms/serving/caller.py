"""Who waits for an answer, and where the time of the request went."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Optional


def stays() -> bool:
    """Nobody says whether the caller has left."""
    return False


def anybody(count: int) -> None:
    """Nobody is asked whether the caller may ask more."""


class Caller:
    """Who waits for the answer to one request.

    Parameters
    ----------
    has_left
        Whether nobody waits any more; asked before the request is given to a worker.
    admit
        Called with how many more requests it makes with this one; raises where it may not.

    Attributes
    ----------
    has_left, admit
        As given.
    queue_s
        How long the request waited until a worker had it for the first time, in seconds; None
        while none has.
    stage_times_ms
        Milliseconds in each hook of the service; none while there is no answer.
    """

    __slots__ = ('admit', 'has_left', 'queue_s', 'stage_times_ms')

    def __init__(self, has_left: Callable[[], bool] = stays,
                 admit: Callable[[int], None] = anybody) -> None:
        self.has_left = has_left
        self.admit = admit
        self.queue_s: Optional[float] = None
        self.stage_times_ms: Mapping[str, float] = {}

    def is_admitted_by(self, admit: Callable[[int], None]) -> None:
        """From now on, whoever limits its requests is asked before it makes more."""
        self.admit = admit

    def served_after(self, seconds: float) -> None:
        """A worker is given the request; what it waited before counts once."""
        if self.queue_s is None:
            self.queue_s = seconds

    def answered_in(self, stage_times_ms: Mapping[str, float]) -> None:
        """The request has an answer, which took that long in each hook of the service."""
        self.stage_times_ms = stage_times_ms
