"""One contender and one model: the best of its settings for each number of connections."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Optional

import limit
from answers import check_answer
from contenders.contender import Contender, Endpoint, Setting
from models import BuiltModel
from probe import Prober
from processes import BenchmarkError, pss_mb
from wrk import Load, run_wrk

WARM_S = 3
# A setting is chosen by so long a load.
CHOOSING_S = 4
PROBED_S = 5
# Between two servers: the last one's pages and sockets are given back. Between two loads: the
# requests that the last one left behind are computed.
SETTLE_S = 1


@dataclass(frozen=True)
class Row:
    """One line of the report: figures, or the reason why there are none."""

    model: str
    connections: int
    contender: str
    setting: Optional[Setting] = None
    load: Optional[Load] = None
    memory_mb: float = 0.0
    ping_p99_ms: Optional[float] = None
    reason: str = ''

    @property
    def requests_per_s(self) -> float:
        """0 where there are no figures."""
        return self.load.requests_per_s if self.load else 0.0


def measure(contender: Contender, built: BuiltModel, connections: Sequence[int],
            seconds: int) -> list[Row]:
    """Return a row a number of connections: a short load chooses the setting, a long one counts."""
    chosen = _choose(contender, built, connections)
    rows = {count: row for count, row in chosen.items() if row.setting is None or not row.load}
    for setting in dict.fromkeys(row.setting for row in chosen.values()):
        fitting = [count for count, row in chosen.items()
                   if row.setting == setting and count not in rows]
        if setting is not None and fitting:
            rows.update({row.connections: row for row in _measure_setting(
                contender, built, setting, fitting, seconds, probed=True)})
    return [rows[count] for count in connections]


def _choose(contender: Contender, built: BuiltModel,
            connections: Sequence[int]) -> dict[int, Row]:
    settings = contender.settings()
    tried: list[Row] = []
    for setting in settings:
        fitting = [count for count in connections if contender.suits(setting, count)]
        if fitting:
            tried += _measure_setting(contender, built, setting, fitting, CHOOSING_S)
    return {count: best([row for row in tried if row.connections == count])
            or Row(built.model.name, count, contender.name, reason='no setting suits')
            for count in connections}


def measure_limit(built: BuiltModel, connections: Sequence[int], seconds: int) -> list[Row]:
    """Return the limit's row a number of connections; run once for all beyond one."""
    limits: dict[Setting, limit.Limit] = {}
    rows = []
    for count in connections:
        tried = limit.limit_settings(count)
        for setting in tried:
            if setting not in limits:
                limits[setting] = limit.measure_limit(built, setting, seconds)
                _say(limit.NAME, built, setting, count, limits[setting].load)
        most = max((limits[setting] for setting in tried),
                   key=lambda one: one.load.requests_per_s)
        rows.append(Row(built.model.name, count, limit.NAME, most.setting, most.load,
                        most.memory_mb))
    return rows


def best(rows: Iterable[Row]) -> Optional[Row]:
    """Return the row with the most good answers a second; None of none."""
    return max(rows, key=lambda row: row.requests_per_s, default=None)


def _measure_setting(contender: Contender, built: BuiltModel, setting: Setting,
                     connections: Sequence[int], seconds: int, probed: bool = False) -> list[Row]:
    rows: list[Row] = []
    try:
        with contender.serve(built, setting) as endpoint:
            check_answer(endpoint, built)
            for count in connections:
                row = _measure_load(contender, built, setting, endpoint, count, seconds)
                rows.append(_probed(row, built, endpoint) if probed and row.load else row)
    except BenchmarkError as error:
        left = connections[len(rows):]
        rows += [_failed(contender, built, setting, count, error) for count in left]
        print(f'{built.model.name}, {contender.name}, {setting}: {error}', file=sys.stderr)
    time.sleep(SETTLE_S)
    return rows


def _measure_load(contender: Contender, built: BuiltModel, setting: Setting, endpoint: Endpoint,
                  connections: int, seconds: int) -> Row:
    # Under many connections a slow one may not answer within the time to warm up.
    with contextlib.suppress(BenchmarkError):
        run_wrk(endpoint.url, built.body, connections, WARM_S)
    time.sleep(SETTLE_S)
    try:
        load = run_wrk(endpoint.url, built.body, connections, seconds)
    except BenchmarkError as error:
        print(f'{built.model.name}, {connections} connections, {contender.name}, {setting}: '
              f'{error}', file=sys.stderr)
        return _failed(contender, built, setting, connections, error)
    _say(contender.name, built, setting, connections, load)
    return Row(built.model.name, connections, contender.name, setting, load, pss_mb(endpoint.pid))


def _probed(row: Row, built: BuiltModel, endpoint: Endpoint) -> Row:
    """With how long the health endpoint takes under such a load."""
    with Prober(endpoint.port, endpoint.ping_path) as prober:
        run_wrk(endpoint.url, built.body, row.connections, PROBED_S)
    return replace(row, ping_p99_ms=prober.percentile_ms(99))


def _failed(contender: Contender, built: BuiltModel, setting: Setting, connections: int,
            error: BenchmarkError) -> Row:
    return Row(built.model.name, connections, contender.name, setting,
               reason=str(error).splitlines()[0].rstrip(':'))


def _say(contender: str, built: BuiltModel, setting: Setting, connections: int,
         load: Load) -> None:
    print(f'{built.model.name}, {connections} connections, {contender}, {setting}: '
          f'{load.requests_per_s:.1f}/s, p99 {load.p99_ms:.1f} ms, {load.errors} errors',
          file=sys.stderr)
