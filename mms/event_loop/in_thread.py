"""Work that would hold up the event loop, done in a thread beside it."""

from __future__ import annotations

from typing import Callable, Optional, TypeVar

import gevent
from gevent.monkey import get_original, is_module_patched
from gevent.threadpool import ThreadPool

from mms.event_loop.uninterrupted import uninterrupted

T = TypeVar('T')


# Of each thread that has an event loop: where a program has patched `threading`, a local of that
# would be of each greenlet.
_own = get_original('_thread', '_local')()


def in_thread(work: Callable[[], T], end: Optional[Callable[[], None]] = None) -> T:
    """What `work` returned, or raised; the event loop goes on meanwhile.

    Parameters
    ----------
    work
        Goes on by itself when the caller is interrupted, unless there is an `end`.
    end
        Called when the caller is interrupted: has `work` end soon, which is waited for.
    """
    return _done_in(gevent.get_hub().threadpool, work, end)


def in_lasting_thread(work: Callable[[], T]) -> T:
    """What `work` returned, or raised, in a thread that lasts as long as the event loop.

    It is for what starts a process that ends when the thread that has started it does.
    """
    pool, hub = getattr(_own, 'lasting', None), gevent.get_hub()
    if pool is None or pool.hub is not hub:
        pool = _own.lasting = ThreadPool(1, hub=hub)
    return _done_in(pool, work)


def in_starting_thread(start: Callable[[], T]) -> T:
    """What `start` returned, or raised, where processes that end with their starter are started."""
    # In a program that has patched it, it watches processes on the main thread's loop alone.
    return start() if is_module_patched('subprocess') else in_lasting_thread(start)


def end_lasting_thread() -> None:
    """End that thread, if this event loop has one: the loop is over."""
    pool = getattr(_own, 'lasting', None)
    if pool is not None and pool.hub is gevent.get_hub():
        del _own.lasting
        pool.kill()


def _done_in(pool: ThreadPool, work: Callable[[], T],
             end: Optional[Callable[[], None]] = None) -> T:
    def guarded() -> tuple[Optional[T], Optional[Exception]]:
        # gevent would print the traceback of what leaves a thread.
        try:
            return work(), None
        except Exception as error:
            return None, error

    value: T
    result = pool.spawn(guarded)
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
