"""The figures as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Optional

import limit
from measure import CHOOSING_S, PROBED_S, Row
from models import MODELS

HEAD = ('connections', 'contender', 'setting', 'requests/s', 'of the limit', 'p50, ms',
        'p99, ms', 'memory, MB', 'errors', "/ping p99, ms", "wrk's CPU")
# The first three are words.
ALIGNMENT = ('---:', '---', '---', *['---:'] * (len(HEAD) - 3))
LEGEND = f"""\
- *{limit.NAME}*: the service's hooks, a process a core with one thread each, batches of
  {limit.BATCH}; for one connection a lone process with every thread and no batches. Its p50 and
  p99 are of whole batches. It has no clients beside it, so no server reaches it.
- *setting*: `workers x batch size`; of several that were tried for {CHOOSING_S} s, the one with
  the most requests/s. requests/s are answers of status 200.
- *memory*: PSS of all processes of the server, after the load.
- *errors*: answers other than 200, and connections that failed.
- */ping*: the health endpoint, asked every 20 ms during another {PROBED_S} s of the load
  (`/health` of LitServe).
- *wrk's CPU*: what the load generator took, of all cores."""


def tables(rows: Sequence[Row]) -> str:
    """Return one table a model, under its title."""
    names = list(dict.fromkeys(row.model for row in rows))
    return '\n\n'.join(f'## {MODELS[name].title}\n\n'
                       + _table([row for row in rows if row.model == name]) for name in names)


def document(rows: Sequence[Row], machine: Mapping[str, str], commands: Sequence[tuple[str, str]],
             seconds: int, plot: Optional[str]) -> str:
    """Return the whole page; `plot` is the picture's name beside it."""
    parts = ['# Throughput, latency and memory']
    if plot:
        parts.append(f'![requests per second and p99]({plot})')
    parts += [
        tables(rows), LEGEND, '## How it was measured',
        f'Each server alone on the machine, one after the other; {seconds} s of load a figure '
        'after 3 s to warm up.',
        facts(machine),
        '\n'.join(f'- {name}: `{command}`' for name, command in commands),
    ]
    return '\n\n'.join(parts) + '\n'


def facts(machine: Mapping[str, str]) -> str:
    """Return the table of what was measured on."""
    return lines([('', ''), ('---', '---'), *machine.items()])


def lines(rows: Iterable[Sequence[str]]) -> str:
    """Return the rows of a table, its head and alignment among them, one a line."""
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in rows)


def number(value: float) -> str:
    """Three digits that count: 0.42, 9.31, 42.0, 1200."""
    return f'{value:.2f}' if value < 10 else f'{value:.1f}' if value < 1000 else f'{value:.0f}'


def _table(rows: Sequence[Row]) -> str:
    limits = {row.connections: row.requests_per_s for row in rows if row.contender == limit.NAME}
    counts = sorted({row.connections for row in rows})
    return lines([HEAD, ALIGNMENT, *(_cells(row, limits.get(count)) for count in counts
                                     for row in rows if row.connections == count)])


def _cells(row: Row, most: Optional[float]) -> tuple[str, ...]:
    start = (str(row.connections), row.contender, str(row.setting or ''))
    if row.load is None:
        return (*start, row.reason.replace('|', '/'), *[''] * (len(HEAD) - 4))
    load = row.load
    return (*start, number(load.requests_per_s),
            f'{load.requests_per_s / most:.0%}' if most else '',
            number(load.p50_ms), number(load.p99_ms), f'{row.memory_mb:.0f}', str(load.errors),
            '' if row.ping_p99_ms is None else number(row.ping_p99_ms),
            '' if row.contender == limit.NAME else f'{load.cpu_share:.1%}')
