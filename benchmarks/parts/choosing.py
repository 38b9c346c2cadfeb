"""Which setting of a contender a short load speaks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Optional

import limit
from answers import check_answer
from contenders.contender import Contender, Setting
from models import MODELS, Model
from processes import BenchmarkError

from parts.closed_load import failed, limited, loaded
from parts.closed_table import Row
from parts.run import Run, told, warm_up


def chosen(run: Run, model: Model, contender: Contender,
           connections: Sequence[int]) -> dict[int, Row]:
    """Return a row a number of connections: its setting, or why no setting serves."""
    tried: list[Row] = []
    fitting = {count: _fitting(run, contender, count) for count in connections}
    for setting in contender.settings(run.is_short):
        counts = [count for count in connections
                  if setting in fitting[count] and len(fitting[count]) > 1]
        if counts:
            tried += _tried(run, contender, [
                Row(model.name, count, contender.name, setting) for count in counts])
    return {count: best([row for row in tried if row.connections == count])
            or _only(model, contender, count, fitting[count]) for count in connections}


def chosen_limit(run: Run, model: Model, connections: int) -> Row:
    """Return the row of the limit, with the best of its settings."""
    rows = [Row(model.name, connections, limit.NAME, setting)
            for setting in limit.limit_settings(connections)]
    if len(rows) > 1:
        rows = [limited(run, row, run.lengths.choosing_s) for row in rows]
    return max(rows, key=lambda row: row.requests_per_s)


def best(rows: Iterable[Row]) -> Optional[Row]:
    """Return the row with the most good answers a second; None of none."""
    return max(rows, key=lambda row: row.requests_per_s, default=None)


def _fitting(run: Run, contender: Contender, connections: int) -> list[Setting]:
    """The settings to try; of a short comparison the last one, that of the largest batches."""
    fitting = [setting for setting in contender.settings(run.is_short)
               if contender.suits(setting, connections)]
    return fitting[-1:] if run.is_short else fitting


def _only(model: Model, contender: Contender, connections: int,
          fitting: Sequence[Setting]) -> Row:
    return Row(model.name, connections, contender.name, fitting[0] if fitting else None,
               reason='' if fitting else 'no setting suits')


def _tried(run: Run, contender: Contender, rows: Sequence[Row]) -> list[Row]:
    """One setting, under each number of connections."""
    tried: list[Row] = []
    model, setting = MODELS[rows[0].model], rows[0].setting
    assert setting is not None
    built = run.built(model)
    with told(f'{model.name}, {contender.name}, {setting}'):
        try:
            with contender.serve(built, setting) as endpoint:
                check_answer(endpoint, built)
                for row in rows:
                    warm_up(endpoint, built, row.connections, run.lengths.warm_s)
                    tried.append(loaded(run, row, endpoint, run.lengths.choosing_s))
        except BenchmarkError as error:
            tried += [failed(row, error) for row in rows[len(tried):]]
            raise
    return tried
