"""What one process has counted, in plain values, so that another one can add it to its own."""

from __future__ import annotations

from typing import Any, Callable

from mms.metrics.histogram import Histogram
from mms.metrics.model_tally import ModelTally
from mms.metrics.registry import Metrics
from mms.metrics.server_metrics import ServerMetrics


def take(server: ServerMetrics, metrics: Metrics) -> dict[str, Any]:
    """What was counted since the last time; nothing where that is nothing."""
    tallies, blocked_s = server.take()
    found = {
        'requests': [[name, *_of_requests(tally)] for name, tally in tallies.items()],
        'blocked': _of_times(blocked_s), 'refusals': server.refusals.take(),
        'recorded': metrics.take()}
    return {what: counted for what, counted in found.items() if counted}


def add(server: ServerMetrics, metrics: Metrics, taken: dict[str, Any]) -> None:
    """Count what another process has counted, too."""

    def change(known: Callable[[str], ModelTally], blocked_s: Histogram) -> None:
        for name, *counted in taken.get('requests', ()):
            _add_requests(known(name), *counted)
        if 'blocked' in taken:
            blocked_s.add(*taken['blocked'])

    server.change(change)
    server.refusals.add(taken.get('refusals', {}))
    metrics.add(taken.get('recorded', ()))


def _of_requests(tally: ModelTally) -> list[Any]:
    return [[[protocol, code, count] for (protocol, code), count in tally.requests.items()],
            _of_times(tally.duration_s), tally.failed_s, tally.latest_s,
            {phase: _of_times(times) for phase, times in tally.phase_s.items()},
            {reason: count for reason, count in tally.refusals.items() if count}]


def _of_times(times: Histogram) -> list[Any]:
    return [times.counts, times.total] if any(times.counts) else []


def _add_requests(tally: ModelTally, requests: list[Any], duration_s: list[Any],
                  failed_s: float, latest_s: float, phase_s: dict[str, list[Any]],
                  refusals: dict[str, int]) -> None:
    for protocol, code, count in requests:
        key = protocol, code
        tally.requests[key] = tally.requests.get(key, 0) + count
    if duration_s:
        tally.duration_s.add(*duration_s)
    tally.failed_s += failed_s
    tally.latest_s = max(tally.latest_s, latest_s)
    for phase, times in phase_s.items():
        if times:
            tally.phase_s[phase].add(*times)
    for reason, count in refusals.items():
        tally.refusals[reason] += count
