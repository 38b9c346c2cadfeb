"""Work that would hold up the event loop, done in a thread of gevent's pool."""

from __future__ import annotations

from typing import Callable, Optional, TypeVar

import gevent

T = TypeVar('T')


def in_thread(work: Callable[[], T]) -> T:
    """What `work` returned, or raised; the event loop goes on meanwhile."""

    def guarded() -> tuple[Optional[T], Optional[Exception]]:
        # gevent would print the traceback of what leaves a thread.
        try:
            return work(), None
        except Exception as error:
            return None, error

    value, error = gevent.get_hub().threadpool.apply(guarded)
    if error is not None:
        raise error
    return value
