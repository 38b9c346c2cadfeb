"""How far the slowest requests of a heavy model are from the usual one."""

from __future__ import annotations

from contenders.contender import Contender
from models import MODELS
from report import lines, number
from sections import Figure, Section
from timed_load import TimedLoad, run_closed

from parts.run import Run, say, told

MODEL, CONNECTIONS = MODELS['alexnet'], 32
SKIPPED = 100
HEAD = ('contender', 'setting', 'requests/s', 'p50, ms', 'p99, ms', 'longest, ms', 'p99 / p50',
        'errors')
LEGEND = f"""\
{CONNECTIONS} connections on a server that has had no other load; the first {SKIPPED} answers are
left out."""


def measure(run: Run) -> list[Section]:
    """Return the table of p50 and p99 over a long load."""
    rows, figures = [], []
    for contender in run.contenders:
        with told(f'tail, {contender.name}'):
            load = _measure(run, contender)
            ratio = load.p99_ms / load.p50_ms
            rows.append((contender.name, str(run.setting(MODEL, contender)),
                         number(load.held_per_s), number(load.p50_ms), number(load.p99_ms),
                         number(load.longest_ms), f'{ratio:.2f}', str(load.errors)))
            figures.append(Figure(f'{MODEL.short_title}, {CONNECTIONS} connections, p99 / p50',
                                  contender.name, ratio))
    table = lines([HEAD, ('---', '---', *['---:'] * 6), *rows])
    title = f'The tail of {MODEL.short_title} over {run.lengths.tail_s} s'
    return [Section('tail', title, table, LEGEND, tuple(figures))]


def _measure(run: Run, contender: Contender) -> TimedLoad:
    built, setting = run.built(MODEL), run.setting(MODEL, contender)
    with contender.serve(built, setting) as endpoint:
        load = run_closed(endpoint.url, built.body, CONNECTIONS, run.lengths.tail_s, SKIPPED)
    say(f'tail, {contender.name}, {setting}: p50 {load.p50_ms:.1f} ms, p99 {load.p99_ms:.1f} ms')
    return load
