"""A heavy and a light model in one server, under one load."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from answers import check_answer
from contenders.contender import Contender, Endpoint
from models import MODELS, BuiltModel
from report import lines, number
from sections import Figure, Section
from wrk import Load, run_wrk

from parts.run import Run, say, told, warm_up

HEAVY, LIGHT = MODELS['alexnet'], MODELS['dense']
CONNECTIONS = 8
HEAD = ('contender', 'setting', 'model', 'alone, /s', 'p99, ms', 'beside the other, /s', 'of alone',
        'p99, ms', 'errors')
LEGEND = f"""\
Both models in one server; each under {CONNECTIONS} connections, first alone and then beside the
other. Where nobody starves, the shares of what each does alone come to about 100%, and neither is
near nothing."""


def measure(run: Run) -> list[Section]:
    """Return the table of both models, alone and together."""
    models = {model.name: run.built(model) for model in (HEAVY, LIGHT)}
    rows, figures = [], []
    for contender in run.contenders:
        with told(f'mix, {contender.name}'):
            alone, together = _measure(run, contender, models)
            for model in (HEAVY, LIGHT):
                one, other = alone[model.name], together[model.name]
                share = other.requests_per_s / one.requests_per_s
                rows.append((contender.name, str(contender.mixed()), model.short_title,
                             number(one.requests_per_s), number(one.p99_ms),
                             number(other.requests_per_s), f'{share:.0%}', number(other.p99_ms),
                             str(one.errors + other.errors)))
                figures.append(Figure(f'{model.short_title} beside the other model, requests/s',
                                      contender.name, other.requests_per_s, is_rate=True))
                figures.append(Figure(f'{model.short_title} beside the other model, p99, ms',
                                      contender.name, other.p99_ms))
    table = lines([HEAD, ('---', '---', '---', *['---:'] * 6), *rows])
    return [Section('mix', 'A heavy and a light model together', table, LEGEND, tuple(figures))]


def _measure(run: Run, contender: Contender, models: Mapping[str, BuiltModel]
             ) -> tuple[dict[str, Load], dict[str, Load]]:
    with contender.serve_all(models, contender.mixed()) as endpoints:
        for name, endpoint in endpoints.items():
            contender.await_measured(endpoint)
            check_answer(endpoint, models[name])
            warm_up(endpoint, models[name], CONNECTIONS, run.lengths.warm_s)

        def load(name: str) -> Load:
            return _load(endpoints[name], models[name], run.lengths.load_s)

        alone = {name: load(name) for name in models}
        with ThreadPoolExecutor(len(models)) as threads:
            together = dict(zip(models, threads.map(load, models)))
    for name in models:
        say(f'{name} alone and beside the other, {contender.name}: '
            f'{alone[name].requests_per_s:.1f}/s, {together[name].requests_per_s:.1f}/s')
    return alone, together


def _load(endpoint: Endpoint, built: BuiltModel, seconds: int) -> Load:
    return run_wrk(endpoint.url, built.body, CONNECTIONS, seconds)
