"""The models of a server as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable, NamedTuple, Optional

from mms.management_command.description import wrapped
from mms.management_command.quantities import text_of
from mms.runtime.columns import Column, table

Model = Mapping[str, Any]


class _Shown(NamedTuple):
    """A column of the table, and what each model has in it; the rank is that of the column."""

    title: str
    text: Callable[[Model], str]
    is_number: bool = False
    may_be_cut: bool = False
    rank: int = 0


def listed(models: Sequence[Model], width: Optional[int]) -> list[str]:
    """A table of models, and below it why those that do not answer do not; a line where there
    are none.

    Parameters
    ----------
    models
        What the server tells of each.
    width
        Of the terminal, in columns; None for no limit.
    """
    if not models:
        return ['no models are served']
    columns = [Column(shown.title, list(map(shown.text, models)), shown.is_number,
                      shown.may_be_cut, shown.rank) for shown in _SHOWN]
    return [*table(columns, width), *_reasons(models, width)]


def _reasons(models: Sequence[Model], width: Optional[int]) -> Iterator[str]:
    for model in models:
        replacement = _within(model, 'replacement')
        for reason in (model.get('reason'), replacement.get('reason')):
            if reason:
                yield ''
                yield from wrapped(f"{text_of(model.get('modelName'))}: {reason}", width)


def _within(model: Model, field: str) -> Model:
    """A field that is an object; empty where the server does not have it."""
    found = model.get(field)
    return found if isinstance(found, Mapping) else {}


def _field(field: str) -> Callable[[Model], str]:
    return lambda model: text_of(model.get(field), field)


def _latency(name: str) -> Callable[[Model], str]:
    """What reads a percentile; there is none before the first answer."""
    def text(model: Model) -> str:
        is_known = _within(model, 'requests').get('answered')
        latency = _within(model, 'latencySeconds')
        return text_of(latency.get(name) if is_known else None, 'latencySeconds')

    return text


def _counted(field: str, name: str) -> Callable[[Model], str]:
    return lambda model: text_of(_within(model, field).get(name))


def _workers(model: Model) -> str:
    """How many are there, and how many may be where that is not one number."""
    there = model.get('workers')
    least, most = model.get('minWorkers'), model.get('maxWorkers')
    count = text_of(len(there) if isinstance(there, list) else least)
    return count if least == most else f'{count} ({text_of(least)}-{text_of(most)})'


_SHOWN = (
    _Shown('MODEL', _field('modelName'), may_be_cut=True),
    _Shown('STATUS', _field('status')),
    _Shown('WORKERS', _workers, is_number=True, rank=1),
    _Shown('QUEUE', _counted('queue', 'requests'), is_number=True, rank=3),
    _Shown('REQUESTS', _counted('requests', 'answered'), is_number=True, rank=7),
    _Shown('P50', _latency('p50'), is_number=True, rank=5),
    _Shown('P99', _latency('p99'), is_number=True, rank=4),
    _Shown('MEMORY', _field('memoryBytes'), is_number=True, rank=6),
    _Shown('LOCATION', _field('modelUrl'), may_be_cut=True, rank=2),
)
