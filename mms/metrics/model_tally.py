"""What has happened to the requests and workers of one model since the server started."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Optional

from mms.metrics.histogram import BATCH_SIZES, SECONDS, Histogram
from mms.metrics.observer import Restart

QUEUE = 'queue'
PHASES = (QUEUE, 'preprocess', 'inference', 'postprocess')
_STAGES = PHASES[1:]
_INFERENCE = 'inference'
# From this status on a request has failed.
_FAILED = 400
# Why a request was refused, whatever it asked.
REFUSALS = ('queue_full', 'deadline', 'client_left', 'buffers_full', 'too_large', 'unavailable')


class Exchange:
    """One request that has its answer.

    Attributes
    ----------
    protocol
        In which it asked; empty for what is no model's.
    code
        Status of the answer.
    duration_s
        From its head to the first byte of its answer.
    queue_s
        How long it waited for a worker; None where none had it.
    stage_times_ms
        Milliseconds in each hook of the service.
    """

    __slots__ = ('code', 'duration_s', 'protocol', 'queue_s', 'stage_times_ms')

    def __init__(self, protocol: str, code: int, duration_s: float,
                 queue_s: Optional[float] = None,
                 stage_times_ms: Optional[Mapping[str, float]] = None) -> None:
        self.protocol = protocol
        self.code = code
        self.duration_s = duration_s
        self.queue_s = queue_s
        self.stage_times_ms = stage_times_ms


@dataclass(frozen=True)
class ModelSummary:
    """What a person wants to know of a model's requests since the server started.

    Attributes
    ----------
    requests, failures
        How many have an answer, and how many of these one with a status of 500 or more.
    latency_s
        Seconds that a share of the requests took at most: of ``p50``, ``p95`` and ``p99``.
    batches
        How many times a worker was given requests.
    mean_batch_size, largest_batch_size
        Requests that it was given together; 0 without batches. The largest is rounded up to a
        bucket's bound.
    restarts
        Reason -> how many workers were replaced for it; reasons that there were.
    """

    requests: int
    failures: int
    latency_s: Mapping[str, float]
    batches: int
    mean_batch_size: float
    largest_batch_size: int
    restarts: Mapping[str, int]


class Executions:
    """Runs of a model with so many requests together.

    Attributes
    ----------
    count
        How many there were.
    stages_ms
        Stage -> milliseconds in it, of all of them.
    """

    __slots__ = ('count', 'stages_ms')

    def __init__(self) -> None:
        self.count = 0
        self.stages_ms = dict.fromkeys(_STAGES, 0.0)

    def add(self, requests: Sequence[Mapping[str, float]]) -> None:
        """Count one, with the times of its requests; that of the run itself is in each of them."""
        self.count += 1
        stages_ms = self.stages_ms
        for place, times_ms in enumerate(requests):
            for stage, took_ms in times_ms.items():
                if stage in stages_ms and 0 <= took_ms < inf and not (
                        place and stage == _INFERENCE):
                    stages_ms[stage] += took_ms

    def copy(self) -> Executions:
        """The same as it is now."""
        copied = Executions()
        copied.count, copied.stages_ms = self.count, self.stages_ms.copy()
        return copied


class ModelTally:
    """Counts that only grow.

    Attributes
    ----------
    requests
        Protocol and status -> how many have had such an answer.
    duration_s
        Of all of them.
    failed_s
        Seconds that those took that have failed.
    latest_s
        When the last one was answered, in seconds since the epoch; 0 without any.
    executions
        Requests that ran together -> the runs of so many.
    phase_s
        Phase -> seconds in it.
    refusals
        Reason -> how many were refused for it.
    batch_sizes
        Requests that ran together.
    restarts
        Reason -> how many workers were replaced for it.
    """

    def __init__(self) -> None:
        self.requests: dict[tuple[str, int], int] = {}
        self.failed_s = 0.0
        self.latest_s = 0.0
        self.executions: dict[int, Executions] = {}
        self.duration_s = Histogram(SECONDS)
        self.phase_s = {phase: Histogram(SECONDS) for phase in PHASES}
        self.refusals = dict.fromkeys(REFUSALS, 0)
        self.batch_sizes = Histogram(BATCH_SIZES)
        self.restarts = {reason.value: 0 for reason in Restart}

    def add(self, exchange: Exchange) -> None:
        """Count a request that has its answer."""
        key = exchange.protocol, exchange.code
        self.requests[key] = self.requests.get(key, 0) + 1
        self.duration_s.observe(exchange.duration_s)
        self.latest_s = time.time()
        if exchange.code >= _FAILED:
            self.failed_s += exchange.duration_s
        if exchange.queue_s is not None:
            self.phase_s[QUEUE].observe(exchange.queue_s)
        for stage, took_ms in (exchange.stage_times_ms or {}).items():
            phase = self.phase_s.get(stage)
            # What a service says itself may be no time: a sum that has one NaN is NaN for ever.
            if phase is not None and 0 <= took_ms < inf:
                phase.observe(took_ms / 1000)

    def executed(self, requests: Sequence[Mapping[str, float]]) -> None:
        """Count what a worker has run, of which it has told the times of each request."""
        if len(requests) == 1:
            self._run(requests)
            return
        # Those that ran together have the very same time in the model.
        together: dict[float, list[Mapping[str, float]]] = {}
        for place, times_ms in enumerate(requests):
            together.setdefault(times_ms.get(_INFERENCE, -1.0 - place), []).append(times_ms)
        for group in together.values():
            self._run(group)

    def _run(self, requests: Sequence[Mapping[str, float]]) -> None:
        found = self.executions.get(len(requests))
        if found is None:
            found = self.executions[len(requests)] = Executions()
        found.add(requests)

    @property
    def failures(self) -> int:
        """How many requests have failed."""
        return sum(count for (_, code), count in self.requests.items() if code >= _FAILED)

    def copy(self) -> ModelTally:
        """The same as it is now."""
        copied = ModelTally()
        copied.failed_s, copied.latest_s = self.failed_s, self.latest_s
        copied.executions = {size: runs.copy() for size, runs in self.executions.items()}
        copied.requests = self.requests.copy()
        copied.duration_s = self.duration_s.copy()
        copied.phase_s = {phase: times.copy() for phase, times in self.phase_s.items()}
        copied.refusals = self.refusals.copy()
        copied.batch_sizes = self.batch_sizes.copy()
        copied.restarts = self.restarts.copy()
        return copied

    def summary(self) -> ModelSummary:
        """What a person wants to know of it."""
        sizes = self.batch_sizes
        return ModelSummary(
            requests=sum(self.requests.values()),
            failures=sum(count for (_, code), count in self.requests.items() if code >= 500),
            latency_s={f'p{percent}': self.duration_s.quantile(percent / 100)
                       for percent in (50, 95, 99)},
            batches=sizes.count, mean_batch_size=sizes.mean,
            largest_batch_size=int(max((bound for bound, count in zip(sizes.bounds, sizes.counts)
                                        if count), default=0)),
            restarts={reason: count for reason, count in self.restarts.items() if count})
