"""How many inputs are done, on the terminal while others are asked about."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

from mms.runtime.streams import is_terminal


@contextmanager
def counted(total: int, is_wanted: bool) -> Iterator[Callable[[], object]]:
    """Show how many of `total` are done, on standard error; yields what to call for each.

    Nothing is shown where that is no terminal, nor of a single one.
    """
    if not is_wanted or total == 1 or not is_terminal(sys.stderr):
        yield lambda: None
        return
    # Only here: its import takes a while.
    from tqdm import tqdm

    form = '{desc}: {n_fmt}/{total_fmt} |{bar}| {elapsed}, {remaining} left'
    with tqdm(total=total, desc='Predicting', bar_format=form, leave=False) as bar:
        yield bar.update
