"""What the parts of a comparison have found: tables, and this server against the best other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from contenders.this_server import THIS
from processes import BenchmarkError
from report import lines, number


@dataclass(frozen=True)
class Figure:
    """One value of one contender, that others have too."""

    what: str
    contender: str
    value: float
    is_rate: bool = False  # the more the better; of times and memory, the less


@dataclass(frozen=True)
class Section:
    """One table of the page; `name` is that of its markers."""

    name: str
    title: str
    table: str
    legend: str = ''
    figures: tuple[Figure, ...] = ()

    @property
    def text(self) -> str:
        """Table and legend under the title."""
        return '\n\n'.join(filter(None, [f'## {self.title}', self.table, self.legend]))


def summary(sections: Iterable[Section]) -> Section:
    """Return the table of this server against the best of the others, figure by figure."""
    by_what: dict[str, list[Figure]] = {}
    for section in sections:
        for figure in section.figures:
            by_what.setdefault(figure.what, []).append(figure)
    rows = [row for figures in by_what.values() for row in _against_best(figures)]
    table = lines([('figure', THIS, 'the best other', 'which', 'times as good'),
                   ('---', '---:', '---:', '---', '---:'), *rows])
    return Section('summary', 'This server against the best of the others', table if rows else '',
                   'More than 1: this server is ahead, whatever is better there, more or less.')


def _against_best(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    own = [figure for figure in figures if figure.contender == THIS]
    others = [figure for figure in figures if not figure.contender.startswith(THIS)]
    if not own or not others:
        return []
    this, best = _best(own), _best(others)
    more, less = (this, best) if this.is_rate else (best, this)
    ratio = more.value / less.value if less.value else float('inf')
    return [(this.what, number(this.value), number(best.value), best.contender, f'{ratio:.2f}')]


def _best(figures: Sequence[Figure]) -> Figure:
    return max(figures, key=lambda figure: figure.value if figure.is_rate else -figure.value)


def check_page(page: Optional[Path]) -> None:
    """Raise BenchmarkError before anything is measured that could not be put there."""
    if page is not None and not page.is_file():
        raise BenchmarkError(f'there is no page {page} to put tables into (--into)')


def put_into(page: Path, sections: Iterable[Section]) -> list[str]:
    """Write tables between their markers in a page, and return the names of those put there.

    The markers are ``<!-- compare: NAME -->`` and ``<!-- end of compare: NAME -->``.

    Raises
    ------
    BenchmarkError
        A section has a begin and no end.
    """
    text, put = page.read_text(encoding='utf-8'), []
    for section in sections:
        before, begin, rest = text.partition(f'<!-- compare: {section.name} -->\n')
        _, end, after = rest.partition(f'<!-- end of compare: {section.name} -->\n')
        if begin and not end:
            raise BenchmarkError(f'{page} does not say where the table {section.name} ends')
        if begin:
            text = f'{before}{begin}\n{section.table}\n\n{end}{after}'
            put.append(section.name)
    page.write_text(text, encoding='utf-8')
    return put
