"""The rows of the closed load, as a table a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import limit
from contenders.contender import Setting
from contenders.this_server import THIS
from models import MODELS
from report import lines, number
from sections import Figure, Section
from wrk import Load

HEAD = ('connections', 'contender', 'setting', 'requests/s', 'of the limit', 'of the best other',
        'p50, ms', 'p99, ms', 'CPU s per 1000', 'memory, MB', 'errors', "/ping p99, ms",
        "wrk's CPU")
# The first three are words.
ALIGNMENT = ('---:', '---', '---', *['---:'] * (len(HEAD) - 3))
LEGEND = f"""\
- *{limit.NAME}*: the service's hooks, a process a core with one thread each, batches of
  {limit.BATCH}; for one connection a lone process with every thread and no batches. Its p50 and
  p99 are of whole batches. It has no clients beside it, so no server reaches it.
- *setting*: `workers x batch size`; of several that were tried for a short time, the one with
  the most requests/s. requests/s are answers of status 200.
- All figures are medians of some turns: while one is loaded, the others are stopped (SIGSTOP).
- *of the best other*: requests/s over those of the best other server.
- *CPU s per 1000*: processor seconds of all processes of the server for 1,000 answers.
- *memory*: PSS of all processes of the server, after the load.
- *errors*: answers other than 200, and connections that failed.
- */ping*: the health endpoint, asked every 20 ms during more of the load (`/health` of LitServe).
- *wrk's CPU*: what the load generator took, of all cores."""


@dataclass(frozen=True)
class Row:
    """One line of the report: figures, or the reason why there are none."""

    model: str
    connections: int
    contender: str
    setting: Optional[Setting] = None
    load: Optional[Load] = None
    memory_mb: float = 0.0
    cpu_s_per_1000: Optional[float] = None
    ping_p99_ms: Optional[float] = None
    reason: str = ''

    @property
    def requests_per_s(self) -> float:
        """0 where there are no figures."""
        return self.load.requests_per_s if self.load else 0.0


def section(rows: Sequence[Row]) -> Section:
    """Return the table of one model's rows."""
    model = MODELS[rows[0].model]
    figures = tuple(figure for row in rows if row.load and row.contender != limit.NAME
                    for figure in _figures(row))
    return Section(f'closed-{model.name}', model.title, _table(rows), figures=figures)


def _figures(row: Row) -> list[Figure]:
    assert row.load is not None
    connections = 'connection' if row.connections == 1 else 'connections'
    what = f'{MODELS[row.model].short_title}, {row.connections} {connections}'
    figures = [Figure(f'{what}, requests/s', row.contender, row.requests_per_s, is_rate=True),
               Figure(f'{what}, p50, ms', row.contender, row.load.p50_ms),
               Figure(f'{what}, p99, ms', row.contender, row.load.p99_ms)]
    if row.cpu_s_per_1000 is not None:
        figures.append(Figure(f'{what}, CPU s per 1000', row.contender, row.cpu_s_per_1000))
    if row.ping_p99_ms is not None:
        figures.append(Figure(f'{what}, /ping p99, ms', row.contender, row.ping_p99_ms))
    return figures


def _table(rows: Sequence[Row]) -> str:
    counts = sorted({row.connections for row in rows})
    return lines([HEAD, ALIGNMENT, *(cells for count in counts for cells in _of_connections(
        [row for row in rows if row.connections == count]))])


def _of_connections(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    most = max((row.requests_per_s for row in rows if row.contender == limit.NAME), default=0.0)
    best = max((row.requests_per_s for row in rows if not _is_ours(row)
                and row.contender != limit.NAME), default=0.0)
    return [_cells(row, most, best if _is_ours(row) else 0.0) for row in rows]


def _is_ours(row: Row) -> bool:
    return row.contender.startswith(THIS)


def _cells(row: Row, most: float, best: float) -> tuple[str, ...]:
    start = (str(row.connections), row.contender, str(row.setting or ''))
    if row.load is None:
        return (*start, row.reason.replace('|', '/'), *[''] * (len(HEAD) - 4))
    load = row.load
    return (*start, number(load.requests_per_s),
            f'{load.requests_per_s / most:.0%}' if most else '',
            f'{load.requests_per_s / best:.2f}' if best else '',
            number(load.p50_ms), number(load.p99_ms),
            '' if row.cpu_s_per_1000 is None else number(row.cpu_s_per_1000),
            f'{row.memory_mb:.0f}', str(load.errors),
            '' if row.ping_p99_ms is None else number(row.ping_p99_ms),
            '' if row.contender == limit.NAME else f'{load.cpu_share:.1%}')
