"""What the workers of a model and their queue tell the metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Protocol


class Restart(Enum):
    """Why the process of a worker was given up."""

    # It ended by itself, or somebody killed it.
    DIED = 'died'
    # It had not answered in time, or nobody knew what it would answer next, and it was killed.
    TIMEOUT = 'timeout'
    # Its service's ping says that it is ill, and others are well.
    ILL = 'ill'
    # --max-requests-per-worker.
    REQUESTS = 'max_requests'
    # --max-worker-memory.
    MEMORY = 'max_memory'


class Observer(Protocol):
    """Who counts what happens; nothing here raises, or waits."""

    def batch(self, model: str, size: int) -> None:
        """A worker has answered so many requests that it was given together."""

    def executed(self, model: str, stage_times_ms: Sequence[Mapping[str, float]]) -> None:
        """It has told how long each of those took that it has not failed over."""

    def restarted(self, model: str, reason: Restart) -> None:
        """A worker has gone, or is to go, and another comes in its place."""


class Unobserved:
    """Nobody counts."""

    def batch(self, model: str, size: int) -> None:
        """Nothing."""

    def executed(self, model: str, stage_times_ms: Sequence[Mapping[str, float]]) -> None:
        """Nothing."""

    def restarted(self, model: str, reason: Restart) -> None:
        """Nothing."""
