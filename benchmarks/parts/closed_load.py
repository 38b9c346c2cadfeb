"""One closed load of one server or of the limit, as a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import limit
from contenders.contender import Endpoint
from models import MODELS
from probe import Prober
from processes import BenchmarkError, cores, cpu_s, machine_cpu_s, pss_mb
from wrk import Load, run_wrk

from parts.closed_table import Row
from parts.run import Run, say

# Of one core: what others than the server and wrk may take before it is told.
BESIDE_CORES = 0.1


def loaded(run: Run, row: Row, endpoint: Endpoint, seconds: int) -> Row:
    """Return the row of a contender and its setting with figures, or why there are none."""
    used_s, all_s = cpu_s(endpoint.pid), machine_cpu_s()

    def load() -> Load:
        return run_wrk(endpoint.url, run.built(MODELS[row.model]).body, row.connections, seconds)

    found = _attempted(row, load)
    if found.load is None:
        return found
    used_s, all_s = cpu_s(endpoint.pid) - used_s, machine_cpu_s() - all_s
    beside = all_s / seconds - used_s / seconds - found.load.cpu_share * cores()
    if beside > BESIDE_CORES:
        say(f'  other processes took {beside:.1f} cores beside it: this figure is not to be '
            'trusted')
    return replace(found, memory_mb=pss_mb(endpoint.pid),
                   cpu_s_per_1000=used_s / (found.requests_per_s * seconds) * 1000)


def limited(run: Run, row: Row, seconds: int) -> Row:
    """Return the row of the limit at its setting, with figures.

    Raises
    ------
    BenchmarkError
        The hooks do not run without a server, where nothing else would either.
    """
    assert row.setting is not None
    found = limit.measure_limit(run.built(MODELS[row.model]), row.setting, seconds)
    return replace(_attempted(row, lambda: found.load), memory_mb=found.memory_mb)


def probed(run: Run, row: Row, endpoint: Endpoint, seconds: int) -> Row:
    """Return the row with how long the health endpoint takes under such a load."""
    with Prober(endpoint.port, endpoint.ping_path) as prober:
        found = loaded(run, row, endpoint, seconds)
    return replace(row, ping_p99_ms=prober.percentile_ms(99)) if found.load else row


def failed(row: Row, error: BenchmarkError) -> Row:
    """Return the row with why there are no figures."""
    return replace(row, load=None, reason=str(error).splitlines()[0].rstrip(':'))


def _attempted(row: Row, measured: Callable[[], Load]) -> Row:
    what = f'{row.model}, {row.connections} connections, {row.contender}, {row.setting}'
    try:
        load = measured()
    except BenchmarkError as error:
        say(f'{what}: {error}')
        return failed(row, error)
    say(f'{what}: {load.requests_per_s:.1f}/s, p99 {load.p99_ms:.1f} ms, {load.errors} errors')
    return replace(row, load=load)
