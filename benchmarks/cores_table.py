"""How a server grows with its cores, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from limit import BATCH
from models import MODELS
from report import facts, lines, number
from wrk import Load

# The reference comes last: it is left out where cores are only seen.
HEAD = ('cores', 'ready, s', 'forked', 'workers', 'processes', 'memory, MB', 'with one worker, MB',
        'ratio', 'p50 of a lone connection, ms', 'connections', 'requests/s', 'p99, ms', 'errors',
        'hooks alone, /s', 'of the hooks alone')
WORDS = ('forked', 'workers')
REFERENCE_COLUMNS = 2
LEGEND = """\
- *ready*: from the start of the server's process to the first 200 of `/ping`.
- *forked*: whether workers are forked from a loaded model, or why not; *workers*: what the server
  says that it chose.
- *processes* and *memory*: of the server's whole tree after the load, memory as PSS; *with one
  worker*: of a server with `--workers 1` on the same cores, after as many connections; *ratio*: the
  first over the second.
- *p50 of a lone connection*: one request at a time. *requests/s* and *p99*: on four connections a
  core, 8 at least and 128 at most. requests/s are answers of status 200.
- *errors*: answers other than 200, and connections that failed, of both loads.
- The load generator runs beside the server, on any core."""
HELD_LEGEND = f"""\
- *hooks alone*: the service's hooks without a server, a process a core with one thread each, on
  the same cores, in batches of {BATCH}; *of the hooks alone*: requests/s over it."""


@dataclass(frozen=True)
class Row:
    """One server on so many cores; `limit_per_s` is None where nothing was held to them."""

    model: str
    cores: int
    ready_s: float
    not_forked: str  # why; empty where it is forked
    workers: str
    processes: int
    memory_mb: float
    one_worker_mb: float
    lone: Load
    connections: int
    load: Load
    limit_per_s: Optional[float]


def tables(rows: Sequence[Row], only_seen_on: Optional[int]) -> str:
    """Return a table a model; `only_seen_on` are the machine's own cores, if others were seen."""
    names = list(dict.fromkeys(row.model for row in rows))
    note = [_note(only_seen_on)] if only_seen_on else []
    return '\n\n'.join('\n\n'.join([
        f'## {MODELS[name].title}', *note,
        _table([row for row in rows if row.model == name], only_seen_on)]) for name in names)


def document(rows: Sequence[Row], machine: Mapping[str, str], command: str,
             seconds: tuple[int, int], only_seen_on: Optional[int]) -> str:
    """Return the whole page; `seconds` are those of a load, and of the one to warm up."""
    legend = LEGEND if only_seen_on else f'{LEGEND}\n{HELD_LEGEND}'
    return '\n\n'.join([
        '# Throughput, latency, memory and start by cores', tables(rows, only_seen_on), legend,
        '## How it was measured',
        f'Each server alone on the machine, one after the other; {seconds[0]} s of load a figure '
        f'after {seconds[1]} s to warm up.', facts(machine), f'`{command}`']) + '\n'


def _note(cores: int) -> str:
    return (f'**The cores are only seen: this machine has {cores}.** requests/s, p50 and p99 say '
            'nothing of a machine with so many; the start, what was forked, the workers, the '
            'processes and the memory do.')


def _table(rows: Sequence[Row], only_seen_on: Optional[int]) -> str:
    columns = HEAD[:-REFERENCE_COLUMNS] if only_seen_on else HEAD
    head = tuple(name.replace('cores', 'cores seen') if only_seen_on else name for name in columns)
    alignment = tuple('---' if name in WORDS else '---:' for name in columns)
    return lines([head, alignment, *(_cells(row)[:len(columns)] for row in rows)])


def _cells(row: Row) -> tuple[str, ...]:
    return (str(row.cores), number(row.ready_s), row.not_forked.replace('|', '/') or 'yes',
            row.workers, str(row.processes), f'{row.memory_mb:.0f}', f'{row.one_worker_mb:.0f}',
            f'{row.memory_mb / row.one_worker_mb:.2f}', number(row.lone.p50_ms),
            str(row.connections), number(row.load.requests_per_s), number(row.load.p99_ms),
            str(row.lone.errors + row.load.errors),
            *((number(row.limit_per_s), f'{row.load.requests_per_s / row.limit_per_s:.0%}')
              if row.limit_per_s else ('', '')))
