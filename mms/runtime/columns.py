"""Tables for a terminal: aligned, and no wider than it is."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from mms.runtime.printable import one_line

_GAP = '  '
_CUT = '…'
# Characters that a column that may be cut keeps: as long as others can go, and in any case.
_LEAST, _LEAST_OF_ALL = 20, 8


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title
        Its head.
    cells
        Its text, row by row.
    is_number
        Whether it is aligned at the right.
    may_be_cut
        Whether a long cell may lose its middle.
    rank
        Where there is no room, the column with the highest goes first; 0 stays.
    """

    title: str
    cells: Sequence[str]
    is_number: bool = False
    may_be_cut: bool = False
    rank: int = 0

    @property
    def texts(self) -> list[str]:
        """Head and cells, as they are printed."""
        return [self.title, *map(one_line, self.cells)]

    @property
    def width(self) -> int:
        """Of the widest text, in columns of the terminal."""
        return max(map(width_of, self.texts))

    def cut_to(self, least: int) -> int:
        """The width that is left where it is cut to no less than `least`."""
        if not self.may_be_cut:
            return self.width
        return min(self.width, max(least, width_of(self.title)))


def table(columns: Sequence[Column], width: Optional[int]) -> list[str]:
    """Lines of a table.

    Parameters
    ----------
    width
        Of the terminal, in columns; None for no limit.
    """
    shown = list(columns) if width is None else _kept(columns, width)
    widths = [column.width for column in shown]
    if width is not None:
        _cut(widths, shown, width)
    padded = [[_padded(cut(text, room), room, column.is_number) for text in column.texts]
              for column, room in zip(shown, widths)]
    return [_GAP.join(cells).rstrip() for cells in zip(*padded)]


def width_of(text: str) -> int:
    """Columns of a terminal that `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def cut(text: str, width: int) -> str:
    """`text` without its middle, where it is wider than `width`."""
    if width_of(text) <= width:
        return text
    # The end of a path tells more than its start.
    tail = _start(text[::-1], width - width_of(_CUT) - (width - 1) // 3)[::-1]
    return _start(text, width - width_of(_CUT) - width_of(tail)) + _CUT + tail


def _kept(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns that fit, once they are cut."""
    kept = list(columns)
    while _total([column.cut_to(_LEAST) for column in kept]) > width:
        first = max(kept, key=lambda column: column.rank)
        if not first.rank:
            break
        kept.remove(first)
    return kept


def _cut(widths: list[int], columns: Sequence[Column], width: int) -> None:
    """Take from the widest that may be cut, until all fit."""
    while _total(widths) > width:
        wide = [number for number, column in enumerate(columns)
                if widths[number] > column.cut_to(_LEAST_OF_ALL)]
        if not wide:
            return
        widths[max(wide, key=lambda number: widths[number])] -= 1


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _padded(text: str, width: int, at_right: bool) -> str:
    room = ' ' * (width - width_of(text))
    return room + text if at_right else text + room


def _start(text: str, width: int) -> str:
    """As much of `text` as `width` has room for."""
    taken = 0
    for number, character in enumerate(text):
        taken += _character_width(character)
        if taken > width:
            return text[:number]
    return text


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in 'WF' else 1
