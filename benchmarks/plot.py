"""The figures as bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from models import MODELS
from parts.closed_table import Row
from processes import BenchmarkError

INSTALL = 'pip install matplotlib'
PANEL_WIDTH_INCH, PANEL_HEIGHT_INCH = 4.6, 2.8
# One process alone, ours, and the peers; told apart in grey as well.
COLOURS = ('#bbbbbb', '#0b6e4f', '#e08e45', '#5b7db1', '#a34a6b', '#444444', '#8c8c3a')


def check_plot() -> None:
    """Raise BenchmarkError where there is no matplotlib."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise BenchmarkError(f'the plot needs matplotlib: {INSTALL} '
                             '(or leave out --out for the table alone)') from error


def draw(rows: Sequence[Row], file: Path) -> None:
    """Write an SVG: a column a model, requests/s above p99, a group a number of connections."""
    import matplotlib

    matplotlib.use('svg')
    from matplotlib import pyplot

    names = list(dict.fromkeys(row.model for row in rows))
    figure, axes = pyplot.subplots(
        2, len(names), squeeze=False,
        figsize=(PANEL_WIDTH_INCH * len(names), PANEL_HEIGHT_INCH * 2 + 0.6))
    for column, name in enumerate(names):
        own = [row for row in rows if row.model == name]
        _bars(axes[0][column], own, lambda row: row.requests_per_s)
        _bars(axes[1][column], own, lambda row: row.load.p99_ms if row.load else 0.0)
        axes[0][column].set_title(MODELS[name].title, fontsize=9)
        axes[1][column].set_xlabel('connections')
        if any(row.load for row in own):
            axes[1][column].set_yscale('log')
    axes[0][0].set_ylabel('requests/s')
    axes[1][0].set_ylabel('p99, ms')
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='lower center', ncols=min(4, len(labels)), fontsize=8,
                  frameon=False)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.savefig(file, format='svg')
    pyplot.close(figure)


def label(row: Row, rows: Sequence[Row]) -> str:
    """Return a contender's name, with its flags where it competes under several."""
    settings = {str(other.setting) for other in rows
                if other.contender == row.contender and other.setting and other.setting.flags}
    return f'{row.contender}, {row.setting}' if len(settings) > 1 else row.contender


def _bars(axis: Any, rows: Sequence[Row], height: Callable[[Row], float]) -> None:
    counts = sorted({row.connections for row in rows})
    names = list(dict.fromkeys(label(row, rows) for row in rows))
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        own = {row.connections: height(row) for row in rows if label(row, rows) == name}
        axis.bar([index - 0.4 + width * (place + 0.5) for index in range(len(counts))],
                 [own.get(count, 0.0) for count in counts], width, label=name,
                 color=COLOURS[place % len(COLOURS)])
    axis.set_xticks(range(len(counts)), [str(count) for count in counts])
    axis.spines[['top', 'right']].set_visible(False)
