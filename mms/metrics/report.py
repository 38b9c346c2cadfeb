"""From recorded values to one interval's report: pure, no clock and no IO."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Optional, Protocol

from mms.metrics.names import METRICS, Definition

# (metric's name, model's name or None for the host)
Key = tuple[str, Optional[str]]
# The same, with samples, total, minimum and maximum of what was recorded.
Recorded = tuple[str, Optional[str], int, float, float, float]


class Tally:
    """What was recorded under one key during one interval."""

    __slots__ = ('maximum', 'minimum', 'samples', 'total')

    def __init__(self) -> None:
        self.samples = 0
        self.total = 0.0
        self.minimum = math.inf
        self.maximum = -math.inf

    def add(self, value: float) -> None:
        """Record one value.

        Raises
        ------
        ValueError, TypeError
            `value` is no finite number.
        """
        value = float(value)
        if not math.isfinite(value):
            raise ValueError(f'{value} is not a finite number')
        self.samples += 1
        self.total += value
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)


    def merge(self, samples: int, total: float, minimum: float, maximum: float) -> None:
        """Record what another one has recorded."""
        self.samples += samples
        self.total += total
        self.minimum = min(self.minimum, minimum)
        self.maximum = max(self.maximum, maximum)


class Point(NamedTuple):
    """One metric's value for one interval.

    Attributes
    ----------
    model
        The model's endpoint name; None for a metric of the host.
    value
        Sum or average of the interval, in `unit`.
    samples, total, minimum, maximum
        Of what was recorded during the interval.
    """

    name: str
    unit: str
    model: Optional[str]
    value: float
    samples: int
    total: float
    minimum: float
    maximum: float


class Report(NamedTuple):
    """The points of one interval.

    Attributes
    ----------
    at
        End of the interval, in seconds since the epoch.
    interval_s
        How often reports are made, in seconds.
    """

    at: float
    interval_s: float
    points: Sequence[Point]


class Sink(Protocol):
    """Where reports are written."""

    def write(self, report: Report) -> None:
        """Write `report`; may block, and is called in a thread of its own."""


def fresh_tallies(model_names: Sequence[str]) -> dict[Key, Tally]:
    """An empty tally for every metric of the host and of each model, in the table's order."""
    return {key: Tally() for metric in METRICS for key in _keys(metric, model_names)}


def points_of(tallies: Mapping[Key, Tally]) -> list[Point]:
    """One point for each tally that holds data, in their order."""
    metrics = {metric.name: metric for metric in METRICS}
    return [_point(metrics[name], model, tally)
            for (name, model), tally in tallies.items() if tally.samples]


def _keys(metric: Definition, model_names: Sequence[str]) -> Iterable[Key]:
    models: Sequence[Optional[str]] = model_names if metric.per_model else (None,)
    return ((metric.name, model) for model in models)


def _point(metric: Definition, model: Optional[str], tally: Tally) -> Point:
    value = tally.total if metric.is_sum else tally.total / tally.samples
    return Point(metric.name, metric.unit, model, value, tally.samples, tally.total,
                 tally.minimum, tally.maximum)
