"""Work that would hold up the event loop, done in a thread of gevent's pool."""

from __future__ import annotations

from typing import Callable, Optional, TypeVar

import gevent

from mms.event_loop.uninterrupted import uninterrupted

T = TypeVar('T')


def in_thread(work: Callable[[], T], end: Optional[Callable[[], None]] = None) -> T:
    """What `work` returned, or raised; the event loop goes on meanwhile.

    Parameters
    ----------
    work
        Goes on by itself when the caller is interrupted, unless there is an `end`.
    end
        Called when the caller is interrupted: has `work` end soon, which is waited for.
    """

    def guarded() -> tuple[Optional[T], Optional[Exception]]:
        # gevent would print the traceback of what leaves a thread.
        try:
            return work(), None
        except Exception as error:
            return None, error

    value: T
    result = gevent.get_hub().threadpool.spawn(guarded)
    try:
        value, error = result.get()
    except BaseException:
        if end is not None:
            end()
            uninterrupted(result.wait)
        raise
    if error is not None:
        raise error
    return value
