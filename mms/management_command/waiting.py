"""How long a server has worked on something, on the terminal while it does."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mms.runtime.printable import one_line
from mms.runtime.streams import is_terminal

if TYPE_CHECKING:
    from tqdm import tqdm

_REFRESH_S = 0.2


@contextmanager
def elapsed_shown(doing: str) -> Iterator[None]:
    """Show `doing` and the time since, on standard error; nothing where that is no terminal."""
    if not is_terminal(sys.stderr):
        yield
        return
    # Only here: its import takes as long as all else.
    from tqdm import tqdm

    is_over = threading.Event()
    with tqdm(desc=one_line(doing), bar_format='{desc}: {elapsed}', leave=False) as bar:
        ticker = threading.Thread(target=_tick, args=(bar, is_over), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            is_over.set()
            ticker.join()


def _tick(bar: tqdm[Any], is_over: threading.Event) -> None:
    while not is_over.wait(_REFRESH_S):
        bar.refresh()
