"""A load whose requests are sent when they are due, by clients of load_client.py."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from body import Body
from load_client import GRACE_S, Plan
from probe import percentile
from processes import BenchmarkError

SCRIPT = Path(__file__).with_name('load_client.py')
START_S = 30
# Enough that a request that is due finds one free, as long as the server keeps up.
CONNECTIONS = 64


@dataclass(frozen=True)
class TimedLoad:
    """What the clients saw.

    Attributes
    ----------
    held_per_s
        Good answers a second that came before the last request was due.
    p50_ms, p99_ms, longest_ms
        From when a request was due to its answer.
    errors
        Answers other than 200, lost connections, and requests without an answer.
    lag_p99_ms
        How long the clients themselves kept requests that could have been sent.
    cores
        Processor time of the clients over the time of the load.
    """

    held_per_s: float
    p50_ms: float
    p99_ms: float
    longest_ms: float
    errors: int
    lag_p99_ms: float
    cores: float


def run_at_rate(url: str, body: Body, rate: float, seconds: float,
                connections: int = CONNECTIONS, clients: int = 1) -> TimedLoad:
    """Post at `rate` a second; several clients send by turns.

    Raises
    ------
    BenchmarkError
        A client failed, or no request was answered 200.
    """
    return _run(url, body, rate, seconds, connections, clients, 0)


def run_closed(url: str, body: Body, connections: int, seconds: float, skip: int) -> TimedLoad:
    """Post on so many connections as soon as each is free; the first `skip` answers count not."""
    return _run(url, body, 0, seconds, connections, 1, skip)


def _run(url: str, body: Body, rate: float, seconds: float, connections: int, clients: int,
         skip: int) -> TimedLoad:
    split = urlsplit(url)
    running = []
    for turn in range(clients):
        plan = Plan(split.port or 80, split.path, max(1, connections // clients), rate / clients,
                    seconds, turn / rate if rate else 0, tuple(map(str, body.sent)),
                    body.content_type, body.is_fixed)
        running.append(subprocess.Popen([sys.executable, str(SCRIPT), json.dumps(asdict(plan))],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    seen = []
    for client in running:
        try:
            output, errors = client.communicate(timeout=seconds + GRACE_S + START_S)
        except subprocess.TimeoutExpired:
            client.kill()
            output, errors = client.communicate()
        if client.returncode:
            said = errors.strip().splitlines() or ['it was ended']
            raise BenchmarkError(f'the load client failed: {said[-1]}')
        seen.append(json.loads(output))
    return _load(seen, seconds, skip)


def _load(seen: list[dict[str, list[float]]], seconds: float, skip: int) -> TimedLoad:
    times = [time for one in seen for time in one['times_us'][skip:]]
    if not times:
        raise BenchmarkError('no request was answered 200')
    lags = [lag for one in seen for lag in one['lags_us']]
    total = {name: sum(one[name] for one in seen)  # type: ignore[misc]
             for name in ('good_in_time', 'errors', 'unanswered', 'cpu_s')}
    return TimedLoad(
        total['good_in_time'] / seconds, percentile(times, 50) / 1000, percentile(times, 99) / 1000,
        max(times) / 1000, int(total['errors'] + total['unanswered']),
        percentile(lags, 99) / 1000, total['cpu_s'] / seconds)
