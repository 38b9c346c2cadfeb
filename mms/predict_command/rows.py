"""Predictions as a table for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Optional

from mms.runtime.columns import Column, table

_PROBABILITY = 'probability'
_INPUT, _PREDICTION = 'input', 'prediction'
# Of one input, and of several.
_TOP_OF_ONE, _TOP_OF_MANY = 5, 1


class Told(NamedTuple):
    """What is known of one input."""

    shown: str
    prediction: Any


def predicted(results: Sequence[Told], top: Optional[int], width: Optional[int]) -> list[str]:
    """Lines of a table, its head first; none where there are no results.

    Parameters
    ----------
    top
        Most rows for each input, where its prediction is a list of objects.
    width
        Of the terminal, in columns; None for no limit.
    """
    if not results:
        return []
    most = top or (_TOP_OF_ONE if len(results) == 1 else _TOP_OF_MANY)
    rows = [row for told in results for row in _rows(told, most)]
    fields = list(dict.fromkeys(field for row in rows for field in row))
    return table([_column(field, [row.get(field) for row in rows], number)
                  for number, field in enumerate(fields)], width)


def _rows(told: Told, most: int) -> Iterator[Mapping[str, Any]]:
    """Cells by the names of their columns; the input's name stands in its first row alone."""
    objects = _objects(told.prediction)
    if objects is None:
        yield {_INPUT: told.shown, _PREDICTION: told.prediction}
        return
    for number, row in enumerate(objects[:most] or [{}]):
        yield {_INPUT: '' if number else told.shown, **row}


def _objects(prediction: Any) -> Optional[list[Mapping[str, Any]]]:
    """The rows of a prediction that is one list of objects; None of any other."""
    while isinstance(prediction, list) and len(prediction) == 1 and isinstance(prediction[0], list):
        [prediction] = prediction
    is_table = isinstance(prediction, list) and all(
        isinstance(row, dict) and _INPUT not in row for row in prediction)
    return prediction if is_table and prediction else None


def _column(field: str, values: Sequence[Any], number: int) -> Column:
    is_number = all(_is_number(value) for value in values if value is not None)
    return Column(field.upper(), [_cell(field, value) for value in values], is_number=is_number,
                  may_be_cut=not is_number, rank=number)


def _cell(field: str, value: Any) -> str:
    if value is None:
        return ''
    if isinstance(value, str):
        return value
    if _is_number(value) and field == _PROBABILITY:
        return f'{value:.1%}'
    if isinstance(value, float):
        return f'{value:.4g}'
    return json.dumps(value, ensure_ascii=False)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
