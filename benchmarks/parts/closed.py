"""As many requests at a time as there are connections: the next when the last is answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Optional

import limit
from answers import check_answer
from contenders.contender import Contender, Endpoint, Setting
from models import Model
from probe import Prober
from processes import BenchmarkError, cores, cpu_s, machine_cpu_s, pss_mb
from sections import Section
from wrk import Load, run_wrk

from parts.closed_table import LEGEND, Row, section
from parts.run import Run, say, told, warm_up

# Of one core: what others than the server and wrk may take before it is told.
BESIDE_CORES = 0.1


def measure(run: Run, models: Sequence[Model], connections: Optional[Sequence[int]],
            has_limit: bool) -> tuple[list[Section], list[Row]]:
    """Return a table a model, and all rows; `connections` stand for those of each model."""
    every: list[Row] = []
    sections = []
    for model in models:
        counts = connections or model.connections
        rows = _limit_rows(run, model, counts) if has_limit else []
        for contender in run.contenders:
            rows += _Measured(run, model, contender).rows(counts)
        every += rows
        sections.append(section(rows))
    # Once, behind the last of them.
    sections[-1:] = [replace(one, legend=LEGEND) for one in sections[-1:]]
    return sections, every


class _Measured:
    """One contender and one model: the best of its settings for each number of connections."""

    def __init__(self, run: Run, model: Model, contender: Contender) -> None:
        self._run, self._model, self._contender = run, model, contender

    def rows(self, connections: Sequence[int]) -> list[Row]:
        """Return one a number of connections: a short load chooses the setting, a long one
        counts.
        """
        chosen = self._choose(connections)
        rows = {count: row for count, row in chosen.items() if row.reason}
        for setting in dict.fromkeys(row.setting for row in chosen.values()):
            fitting = [count for count, row in chosen.items()
                       if row.setting == setting and count not in rows]
            if setting and fitting:
                rows.update({row.connections: row for row in self._measure(
                    setting, fitting, self._run.lengths.load_s, probed=True)})
        made = [rows[count] for count in connections]
        self._note(max(made, key=lambda row: row.connections))
        return made

    def _note(self, row: Row) -> None:
        """For parts that come after."""
        if row.setting and row.load:
            self._run.chosen[self._model.name, row.contender] = (row.setting, row.requests_per_s)

    def _choose(self, connections: Sequence[int]) -> dict[int, Row]:
        fitting = {count: self._fitting(count) for count in connections}
        tried: list[Row] = []
        for setting in self._contender.settings(self._run.is_short):
            counts = [count for count in connections
                      if setting in fitting[count] and len(fitting[count]) > 1]
            if counts:
                tried += self._measure(setting, counts, self._run.lengths.choosing_s)
        return {count: best([row for row in tried if row.connections == count])
                or self._only(count, fitting[count]) for count in connections}

    def _fitting(self, connections: int) -> list[Setting]:
        """The settings to try; of a short comparison the last one, that of the largest batches."""
        fitting = [setting for setting in self._contender.settings(self._run.is_short)
                   if self._contender.suits(setting, connections)]
        return fitting[-1:] if self._run.is_short else fitting

    def _only(self, connections: int, fitting: Sequence[Setting]) -> Row:
        return Row(self._model.name, connections, self._contender.name,
                   fitting[0] if fitting else None, reason='' if fitting else 'no setting suits')

    def _measure(self, setting: Setting, connections: Sequence[int], seconds: int,
                 probed: bool = False) -> list[Row]:
        rows: list[Row] = []
        built = self._run.built(self._model)
        with told(f'{self._model.name}, {self._contender.name}, {setting}'):
            try:
                with self._contender.serve(built, setting) as endpoint:
                    check_answer(endpoint, built)
                    for count in connections:
                        row = self._load(setting, endpoint, count, seconds)
                        rows.append(self._probed(row, endpoint) if probed and row.load else row)
            except BenchmarkError as error:
                rows += [self._failed(setting, count, error) for count in connections[len(rows):]]
                raise
        return rows

    def _load(self, setting: Setting, endpoint: Endpoint, connections: int, seconds: int) -> Row:
        built = self._run.built(self._model)
        warm_up(endpoint, built, connections, self._run.lengths.warm_s)
        used_s, all_s = cpu_s(endpoint.pid), machine_cpu_s()
        try:
            load = run_wrk(endpoint.url, built.body, connections, seconds)
        except BenchmarkError as error:
            say(f'{self._model.name}, {connections} connections, {self._contender.name}, '
                f'{setting}: {error}')
            return self._failed(setting, connections, error)
        used_s, all_s = cpu_s(endpoint.pid) - used_s, machine_cpu_s() - all_s
        _say(self._contender.name, self._model, setting, connections, load)
        beside = all_s / seconds - used_s / seconds - load.cpu_share * cores()
        if beside > BESIDE_CORES:
            say(f'  other processes took {beside:.1f} cores beside it: this figure is not to be '
                'trusted')
        return Row(self._model.name, connections, self._contender.name, setting, load,
                   pss_mb(endpoint.pid), used_s / (load.requests_per_s * seconds) * 1000)

    def _probed(self, row: Row, endpoint: Endpoint) -> Row:
        """With how long the health endpoint takes under such a load."""
        with Prober(endpoint.port, endpoint.ping_path) as prober:
            run_wrk(endpoint.url, self._run.built(self._model).body, row.connections,
                    self._run.lengths.probed_s)
        return replace(row, ping_p99_ms=prober.percentile_ms(99))

    def _failed(self, setting: Setting, connections: int, error: BenchmarkError) -> Row:
        return Row(self._model.name, connections, self._contender.name, setting,
                   reason=str(error).splitlines()[0].rstrip(':'))


def best(rows: Iterable[Row]) -> Optional[Row]:
    """Return the row with the most good answers a second; None of none."""
    ordered = sorted(rows, key=lambda row: row.requests_per_s)
    return ordered[-1] if ordered else None


def _limit_rows(run: Run, model: Model, connections: Sequence[int]) -> list[Row]:
    """The limit's row a number of connections; run once for all beyond one."""
    limits: dict[Setting, limit.Limit] = {}
    rows = []
    for count in connections:
        tried = limit.limit_settings(count)
        for setting in tried:
            if setting not in limits:
                limits[setting] = limit.measure_limit(run.built(model), setting,
                                                      run.lengths.load_s)
                _say(limit.NAME, model, setting, count, limits[setting].load)
        most = max((limits[setting] for setting in tried),
                   key=lambda one: one.load.requests_per_s)
        rows.append(Row(model.name, count, limit.NAME, most.setting, most.load, most.memory_mb))
    return rows


def _say(contender: str, model: Model, setting: Setting, connections: int, load: Load) -> None:
    say(f'{model.name}, {connections} connections, {contender}, {setting}: '
        f'{load.requests_per_s:.1f}/s, p99 {load.p99_ms:.1f} ms, {load.errors} errors')
