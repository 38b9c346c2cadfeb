"""Work of a greenlet that is done to its end, whoever kills the greenlet meanwhile."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Callable, Optional, TypeVar

import gevent
from gevent._hub_local import get_hub_if_exists  # get_hub would make one

T = TypeVar('T')


def uninterrupted(work: Callable[[], T]) -> T:
    """What `work` returns, or raises.

    It runs in a greenlet of its own. What is thrown into the caller's meanwhile (it is killed, or
    its time is over) is raised when the work has ended; of signals that end a program, the second
    is raised at once, and the work goes on beside. In a thread without greenlets, where nothing is
    thrown, the work is just called.
    """
    if get_hub_if_exists() is None:
        return work()

    def guarded() -> tuple[list[T], Optional[BaseException]]:
        # gevent would print the traceback of what leaves a greenlet.
        try:
            return [work()], None
        except BaseException as error:
            return [], error

    working = gevent.spawn(guarded)
    thrown: Optional[BaseException] = None
    while not working.ready():
        try:
            working.join()
        except (Exception, gevent.GreenletExit, gevent.Timeout) as error:
            thrown = thrown or error
        except (KeyboardInterrupt, SystemExit) as error:
            if isinstance(thrown, (KeyboardInterrupt, SystemExit)):
                raise
            thrown = error
    if thrown is not None:
        raise thrown
    returned: list[T]
    returned, failure = working.value
    if failure is not None:
        raise failure
    return returned[0]


class UninterruptedExitStack(ExitStack):
    """An ExitStack whose end nothing interrupts; an error on its way is not lost to a kill."""

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> bool:
        leave = super().__exit__
        try:
            return bool(uninterrupted(lambda: leave(kind, error, traceback)))
        except gevent.GreenletExit:
            if isinstance(error, Exception):
                return False
            raise
