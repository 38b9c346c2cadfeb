"""A load at a fixed rate, the same for all, whatever the answers take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from answers import check_answer
from contenders.contender import Contender, Setting
from contenders.this_server import THIS
from models import Model
from processes import BenchmarkError, cpu_s
from report import lines, number
from sections import Figure, Section
from timed_load import TimedLoad, run_at_rate
from wrk import run_wrk

from parts.run import Run, say, told, warm_up

# One client holds so many requests a second with little lag of its own (client_limit.py).
PER_CLIENT = 4000
HEAD = ('model', 'rate, /s', 'contender', 'setting', 'held, /s', 'p50, ms', 'p99, ms',
        'longest, ms', 'errors', 'CPU s per 1000', "client's lag p99, ms", "client's CPU, cores")
LEGEND = """\
Requests are due at even distances, and their times count from then, not from when a connection was
free for them: what a server that stands still keeps from being sent has waited too. The rates are
shares of what the best of the others answers closed, on most connections; without the closed part,
of what this server does.
*held*: good answers until the last request was due. *client's lag*: what the client itself kept
requests back; a p99 of the server that is not far above it is the client's as well."""


@dataclass(frozen=True)
class Row:
    """One contender at one rate."""

    model: Model
    rate: float
    contender: str
    setting: Setting
    load: TimedLoad
    cpu_s_per_1000: float

    @property
    def cells(self) -> tuple[str, ...]:
        """Those of the table."""
        load = self.load
        return (self.model.short_title, number(self.rate), self.contender, str(self.setting),
                number(load.held_per_s), number(load.p50_ms), number(load.p99_ms),
                number(load.longest_ms), str(load.errors), number(self.cpu_s_per_1000),
                number(load.lag_p99_ms), f'{load.cores:.2f}')


def measure(run: Run, models: Sequence[Model]) -> list[Section]:
    """Return the table of all models, rates and contenders."""
    rows: list[Row] = []
    for model in models:
        base = _base_rate(run, model)
        for contender in run.contenders:
            with told(f'open loop, {model.name}, {contender.name}'):
                rows += _measure(run, model, contender,
                                 [base * share for share in run.lengths.shares])
    rows.sort(key=lambda row: (list(models).index(row.model), row.rate))
    figures = [Figure(f'{row.model.short_title}, {number(row.rate)} requests a second, p99, ms',
                      row.contender, row.load.p99_ms) for row in rows]
    table = lines([HEAD, ('---', '---:', '---', '---', *['---:'] * (len(HEAD) - 4)),
                   *(row.cells for row in rows)])
    return [Section('open-loop', 'At a fixed rate', table, LEGEND, tuple(figures))]


def _base_rate(run: Run, model: Model) -> float:
    """What the best of the others answers; of this server alone, a part of a closed load."""
    known = {name: rate for (of, name), (_, rate) in run.chosen.items() if of == model.name}
    others = [rate for name, rate in known.items() if not name.startswith(THIS)]
    best = max(others or known.values(), default=None)
    return best if best else _measured_rate(run, model)


def _measured_rate(run: Run, model: Model) -> float:
    built, contender, connections = run.built(model), run.contenders[0], model.connections[-1]
    with contender.serve(built, run.setting(model, contender)) as endpoint:
        warm_up(endpoint, built, connections, run.lengths.warm_s)
        load = run_wrk(endpoint.url, built.body, connections, run.lengths.choosing_s)
    return load.requests_per_s


def _measure(run: Run, model: Model, contender: Contender, rates: Sequence[float]) -> list[Row]:
    built, setting, rows = run.built(model), run.setting(model, contender), []
    with contender.serve(built, setting) as endpoint:
        check_answer(endpoint, built)
        warm_up(endpoint, built, model.connections[-1], run.lengths.warm_s)
        for rate in rates:
            before = cpu_s(endpoint.pid)
            load = _at_rate(endpoint.url, run, model, rate)
            if load is None:
                continue
            used = (cpu_s(endpoint.pid) - before) / (rate * run.lengths.load_s) * 1000
            rows.append(Row(model, rate, contender.name, setting, load, used))
            say(f'{model.name} at {rate:.1f}/s, {contender.name}, {setting}: p99 '
                f'{load.p99_ms:.1f} ms, {load.held_per_s:.1f}/s held')
    return rows


def _at_rate(url: str, run: Run, model: Model, rate: float) -> Optional[TimedLoad]:
    clients = int(rate // PER_CLIENT) + 1
    try:
        return run_at_rate(url, run.built(model).body, rate, run.lengths.load_s, clients=clients)
    except BenchmarkError as error:
        say(f'{model.name} at {rate:.1f}/s: {error}')
        return None
