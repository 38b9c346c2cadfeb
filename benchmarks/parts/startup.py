"""From the start of a server to its first answer, and what that costs."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from answers import check_answer
from contenders.contender import Contender
from contenders.this_server import AGAIN, ThisServer
from models import MODELS, SMALL, BuiltModel, Model
from processes import cpu_s, pss_mb
from report import lines, number
from sections import Figure, Section

from parts.run import SETTLE_S, Run, say, told

HEAD = ('model', 'contender', 'setting', 'ready, s', 'first answer, s', 'CPU, s', 'at its best, s',
        'memory, MB')
LEGEND = f"""\
*ready*: from the start of the process to a healthy answer of all that it serves; *first answer*: to
that of the first prediction; *CPU*: of all processes until ready; *at its best*: until this server
has measured what pays, which it does beside the first answers. Medians of several starts, by turns.
*{AGAIN}*: with what an earlier start has left in the user's cache. The others start with
one worker a model."""


@dataclass(frozen=True)
class Start:
    """One start."""

    ready_s: float
    answer_s: float
    cpu_s: float
    best_s: float
    memory_mb: float
    idle_cores: float


def measure(run: Run) -> list[Section]:
    """Return the table of a small and a large model."""
    rows, figures = [], []
    for model in (SMALL, MODELS['alexnet']):
        with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as cache:
            for contender, starts in _by_turns(run, model, Path(cache)):
                row = Start(*(statistics.median(values) for values in zip(*map(astuple, starts))))
                rows.append((model.short_title, contender.name, str(contender.lean()),
                             number(row.ready_s), number(row.answer_s), number(row.cpu_s),
                             number(row.best_s), f'{row.memory_mb:.0f}'))
                figures.append(Figure(f'{model.short_title}, start to ready, s', contender.name,
                                      row.ready_s))
    table = lines([HEAD, ('---', '---', '---', *['---:'] * 5), *rows])
    kept = tuple(figure for figure in figures if figure.contender != AGAIN)
    return [Section('start', 'From start to ready', table, LEGEND, kept)]


def _by_turns(run: Run, model: Model,
              cache: Path) -> Sequence[tuple[Contender, list[Start]]]:
    built = run.built(model)
    contenders = [*run.contenders]
    if isinstance(contenders[0], ThisServer):
        again = contenders[0].again(cache)
        contenders.insert(1, again)
        with told(f'start, {model.name}, {AGAIN}'):
            start(again, {model.name: built})
    found: dict[str, list[Start]] = {one.name: [] for one in contenders}
    for _ in range(run.lengths.rounds):
        for one in contenders:
            with told(f'start, {model.name}, {one.name}'):
                found[one.name].append(start(one, {model.name: built}))
    return [(one, found[one.name]) for one in contenders if found[one.name]]


def start(contender: Contender, models: dict[str, BuiltModel], idle_s: int = 0) -> Start:
    """Start it, ask each model once, leave it alone for a while, and stop it."""
    began = time.monotonic()
    with contender.serve_all(models, contender.lean()) as endpoints:
        ready_s = time.monotonic() - began
        first = next(iter(endpoints.values()))
        used = cpu_s(first.pid)
        answer_s = 0.0
        for name, endpoint in endpoints.items():
            check_answer(endpoint, models[name])
            answer_s = answer_s or time.monotonic() - began
        contender.await_measured(first)
        made = Start(ready_s, answer_s, used, time.monotonic() - began, pss_mb(first.pid),
                     _idle_cores(first.pid, idle_s) if idle_s else 0.0)
    say(f'{len(models)} x {next(iter(models.values())).model.name}, {contender.name}: ready after '
        f'{ready_s:.2f} s, {made.memory_mb:.0f} MB')
    return made


def _idle_cores(pid: int, seconds: int) -> float:
    time.sleep(SETTLE_S)
    before = cpu_s(pid)
    time.sleep(seconds)
    return (cpu_s(pid) - before) / seconds
