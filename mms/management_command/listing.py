"""The models of a server as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable, NamedTuple, Optional

from mms.management_command.columns import Column, table
from mms.management_command.description import wrapped
from mms.management_command.quantities import text_of

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
        if model.get('reason'):
            yield ''
            yield from wrapped(f"{text_of(model.get('modelName'))}: {model['reason']}", width)


def _field(*path: str) -> Callable[[Model], str]:
    """What reads a field, or one of an object; the unit is that of the first that has one."""
    def text(model: Model) -> str:
        value: Any = model
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return text_of(value, path[0])

    return text


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
    _Shown('QUEUE', _field('queue', 'requests'), is_number=True, rank=3),
    _Shown('REQUESTS', _field('requests', 'answered'), is_number=True, rank=7),
    _Shown('P50', _field('latencySeconds', 'p50'), is_number=True, rank=5),
    _Shown('P99', _field('latencySeconds', 'p99'), is_number=True, rank=4),
    _Shown('MEMORY', _field('memoryBytes'), is_number=True, rank=6),
    _Shown('LOCATION', _field('modelUrl'), may_be_cut=True, rank=2),
)
