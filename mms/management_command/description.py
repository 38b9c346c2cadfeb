"""All that a server tells of a model, for a person: a line for each field, tables for lists.

Whatever field a server has is shown: another version of it may tell more.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

from mms.management_command.quantities import text_of, words_of
from mms.runtime.columns import Column, table
from mms.runtime.printable import one_line

_GAP = '  '
_NARROWEST = 20


def described(model: Mapping[str, Any], width: Optional[int]) -> list[str]:
    """Lines about a model.

    Parameters
    ----------
    model
        What the server tells of it.
    width
        Of the terminal, in columns; None for no limit.
    """
    lists = {field: value for field, value in model.items() if _is_table(value)}
    facts = {words_of(field): text_of(value, field)
             for field, value in model.items() if field not in lists}
    lines = list(_facts(facts, width))
    for field, rows in lists.items():
        lines += ['', f'{words_of(field)}:', *table(_columns(rows), width)]
    return lines


def wrapped(text: str, width: Optional[int]) -> list[str]:
    """A text in lines that are no wider, one at least; some columns are always there."""
    if width is None:
        return [one_line(text)]
    return textwrap.wrap(one_line(text), max(width, _NARROWEST), break_on_hyphens=False) or ['']


def _facts(facts: Mapping[str, str], width: Optional[int]) -> Iterator[str]:
    room = max(map(len, facts), default=0)
    for name, text in facts.items():
        first, *more = wrapped(text, None if width is None else width - room - len(_GAP))
        yield f'{name:<{room}}{_GAP}{first}'
        yield from (f"{'':<{room}}{_GAP}{line}" for line in more)


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    fields = list(dict.fromkeys(field for row in rows for field in row))
    return [Column(words_of(field).upper(), [text_of(row.get(field), field) for row in rows],
                   is_number=all(_is_number(row.get(field)) for row in rows), may_be_cut=True,
                   rank=number)
            for number, field in enumerate(fields)]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
