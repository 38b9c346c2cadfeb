"""Figures as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def facts(machine: Mapping[str, str]) -> str:
    """Return the table of what was measured on."""
    return lines([('', ''), ('---', '---'), *machine.items()])


def lines(rows: Iterable[Sequence[str]]) -> str:
    """Return the rows of a table, its head and alignment among them, one a line."""
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in rows)


def number(value: float) -> str:
    """Three digits that count: 0.42, 9.31, 42.0, 1200."""
    return f'{value:.2f}' if value < 10 else f'{value:.1f}' if value < 1000 else f'{value:.0f}'
