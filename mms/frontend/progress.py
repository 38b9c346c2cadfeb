"""A bar on the terminal while models load; nothing where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

import gevent

_REFRESH_S = 0.2


@contextmanager
def loading_bar(names: list[str]) -> Iterator[Callable[[str], None]]:
    """Show how many models are loaded; yields what to call with each one's name."""
    if not sys.stderr.isatty():
        yield lambda name: None
        return
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    form = '{desc}: {n_fmt}/{total_fmt} |{bar}| {elapsed}'
    with logging_redirect_tqdm(), tqdm(
            total=len(names), desc='Loading models', bar_format=form, leave=False) as bar:
        ticker = gevent.spawn(_tick, bar)
        try:
            yield lambda name: bar.update() and None
        finally:
            ticker.kill()


def _tick(bar: object) -> None:
    while True:
        gevent.sleep(_REFRESH_S)
        bar.refresh()  # type: ignore[attr-defined]
