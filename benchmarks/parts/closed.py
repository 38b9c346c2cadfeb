"""As many requests at a time as there are connections: the next when the last is answered.

A short load of each setting chooses one for each contender. Then all are loaded by turns, each for
a part of the time: a machine that is slower for a minute is so for all of them. The others are
stopped meanwhile, since some take a part of a core while nobody asks them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from statistics import median
from typing import Optional

import limit
from answers import check_answer
from contenders.contender import Contender, Endpoint
from models import Model
from processes import BenchmarkError, go_on, pause
from sections import Section
from wrk import Load

from parts.choosing import chosen, chosen_limit
from parts.closed_load import failed, limited, loaded, probed
from parts.closed_table import LEGEND, Row, section
from parts.run import Run, told, warm_up


@dataclass
class _Seat:
    """Who takes part, what was found of it so far, and where it is asked; nowhere for the limit."""

    row: Row
    contender: Optional[Contender] = None
    endpoint: Optional[Endpoint] = None


def measure(run: Run, models: Sequence[Model], connections: Optional[Sequence[int]],
            has_limit: bool) -> tuple[list[Section], list[Row]]:
    """Return a table a model, and all rows; `connections` stand for those of each model."""
    every: list[Row] = []
    sections = []
    for model in models:
        counts = connections or model.connections
        settings = [(contender, chosen(run, model, contender, counts))
                    for contender in run.contenders]
        rows: list[Row] = []
        for count in counts:
            seats = [_Seat(chosen_limit(run, model, count))] if has_limit else []
            seats += [_Seat(of[count], contender) for contender, of in settings]
            rows += _by_turns(run, model, seats)
        _note(run, [row for row in rows if row.connections == max(counts)])
        every += rows
        sections.append(section(rows))
    # Once, behind the last of them.
    sections[-1:] = [replace(one, legend=LEGEND) for one in sections[-1:]]
    return sections, every


def _note(run: Run, rows: Sequence[Row]) -> None:
    """For parts that come after."""
    for row in rows:
        if row.setting and row.load and row.contender != limit.NAME:
            run.chosen[row.model, row.contender] = (row.setting, row.requests_per_s)


def _by_turns(run: Run, model: Model, seats: Sequence[_Seat]) -> list[Row]:
    turns = max(1, run.lengths.turns)
    seconds = max(1, run.lengths.load_s // turns)
    with ExitStack() as servers:
        for seat in seats:
            servers.enter_context(_served(run, model, seat))
        found: list[list[Row]] = [[] for _ in seats]
        for _ in range(turns):
            for seat, rows in zip(seats, found):
                if not seat.row.reason:
                    rows.append(_loaded(run, seat, seconds))
        return [_probed(run, seat, merged(rows) if rows else seat.row)
                for seat, rows in zip(seats, found)]


@contextmanager
def _served(run: Run, model: Model, seat: _Seat) -> Iterator[None]:
    """Its server, warm, where it is one; why not, in its row."""
    contender, setting = seat.contender, seat.row.setting
    if contender is None or setting is None or seat.row.reason:
        yield
        return
    built = run.built(model)
    with ExitStack() as server:
        with told(f'{model.name}, {contender.name}, {setting}'):
            try:
                seat.endpoint = server.enter_context(contender.serve(built, setting))
                check_answer(seat.endpoint, built)
                warm_up(seat.endpoint, built, seat.row.connections, run.lengths.warm_s)
                server.enter_context(_paused(seat.endpoint))
            except BenchmarkError as error:
                seat.row = failed(seat.row, error)
                raise
        yield


@contextmanager
def _paused(endpoint: Endpoint) -> Iterator[None]:
    pause(endpoint.pid)
    try:
        yield
    finally:
        go_on(endpoint.pid)


@contextmanager
def _its_turn(run: Run, endpoint: Endpoint) -> Iterator[None]:
    go_on(endpoint.pid)
    time.sleep(run.lengths.between_s)
    yield
    # What the load has left is computed.
    time.sleep(run.lengths.between_s)
    pause(endpoint.pid)


def _loaded(run: Run, seat: _Seat, seconds: int) -> Row:
    if seat.endpoint is None:
        return limited(run, seat.row, seconds)
    with _its_turn(run, seat.endpoint):
        return loaded(run, seat.row, seat.endpoint, seconds)


def _probed(run: Run, seat: _Seat, row: Row) -> Row:
    if seat.endpoint is None or row.load is None:
        return row
    with _its_turn(run, seat.endpoint):
        return probed(run, row, seat.endpoint, run.lengths.probed_s)


def merged(rows: Sequence[Row]) -> Row:
    """Return the medians of one contender's turns, and all errors; a turn that failed stands for
    all.
    """
    loads = [row.load for row in rows if row.load]
    if len(loads) < len(rows):
        return next(row for row in rows if row.load is None)
    costs = [row.cpu_s_per_1000 for row in rows if row.cpu_s_per_1000 is not None]
    load = Load(median(one.requests_per_s for one in loads), median(one.p50_ms for one in loads),
                median(one.p99_ms for one in loads), sum(one.errors for one in loads),
                median(one.cpu_share for one in loads))
    return replace(rows[-1], load=load, cpu_s_per_1000=median(costs) if costs else None)
