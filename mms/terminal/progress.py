"""A bar on the terminal while models load; nothing where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable

import gevent

from mms.event_loop.guard import FirstFailureLog
from mms.runtime.streams import is_terminal

if TYPE_CHECKING:
    from tqdm import tqdm

_REFRESH_S = 0.2


@contextmanager
def loading_bar(names: list[str]) -> Iterator[Callable[[str], None]]:
    """Show how many models are loaded; yields what to call with each one's name."""
    if not is_terminal(sys.stderr):
        yield lambda name: None
        return
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    form = '{desc}: {n_fmt}/{total_fmt} |{bar}| {elapsed}'
    with logging_redirect_tqdm(), tqdm(
            total=len(names), desc='Loading models', bar_format=form, leave=False) as bar:
        ticker = gevent.spawn(_tick, bar)
        try:
            yield lambda name: _advance(bar)
        finally:
            ticker.kill()


def _advance(bar: tqdm[Any]) -> None:
    bar.update()


def _tick(bar: tqdm[Any]) -> None:
    failure_log = FirstFailureLog('the progress bar')
    while True:
        gevent.sleep(_REFRESH_S)
        failure_log.attempt(bar.refresh)
