"""Run a greenlet until it ends or a signal asks it to."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Callable

import gevent
from gevent.event import Event

from mms.errors import MMSError
from mms.runtime.interrupts import STOPPING, ignore_signals


class Stopped(gevent.GreenletExit):  # type: ignore[misc]  # gevent has no types
    """Thrown into the work when it is to end at once."""


class StopRequest:
    """Says whether, and by which signal, the work was asked to end.

    Attributes
    ----------
    event
        Set at the first signal.
    hurry
        Set at the second one.
    serving
        Whether the work ends by itself after a signal; before that, it is stopped
        where it stands.
    signal_number
        The first signal; 0 before there was one.
    """

    def __init__(self) -> None:
        self.event = Event()
        self.hurry = Event()
        self.serving = False
        self.signal_number = 0


def leave_errors_to_who_waits() -> None:
    """Keep this thread's event loop from printing a traceback of an :class:`MMSError`.

    Whoever waits for the greenlet or pool thread that failed gets it, and reports it.
    """
    hub = gevent.get_hub()
    if MMSError not in hub.NOT_ERROR:
        hub.NOT_ERROR = (*hub.NOT_ERROR, MMSError)


def _restore(watchers: Sequence[Any], handlers: Mapping[signal.Signals, Any]) -> None:
    """Give an embedding program its handlers back; libev leaves the default ones, and what comes
    between the two waits.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        for watcher in watchers:
            watcher.cancel()
        for number, handler in handlers.items():
            if in_main_thread and handler is not None:
                signal.signal(number, handler)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def run_until_signal(work: Callable[[StopRequest], None], is_last: bool = False) -> int:
    """Run `work` in a greenlet; SIGINT, SIGTERM and SIGHUP ask it to end.

    Parameters
    ----------
    work
        Is told when it is to end; before it serves, it is killed, once.
    is_last
        The process ends after this: later signals do nothing any more.

    Returns
    -------
    int
        Exit status: 0, or 128 and the signal's number when the work was stopped
        before it served.

    Raises
    ------
    Exception
        What `work` raised.
    """
    leave_errors_to_who_waits()
    request = StopRequest()
    greenlet = gevent.spawn(work, request)

    def stop(number: int) -> None:
        if request.signal_number:
            request.hurry.set()
            return
        request.signal_number = number
        request.event.set()
        if not request.serving:
            greenlet.kill(Stopped, block=False)

    # nohup has SIGHUP ignored.
    heard = [number for number in STOPPING
             if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.getsignal(number) for number in heard}
    handlers = [gevent.signal_handler(number, stop, int(number)) for number in heard]
    try:
        greenlet.join()
    finally:
        if is_last:
            ignore_signals()
        else:
            _restore(handlers, before)
    greenlet.get()
    return 0 if request.serving or not request.signal_number else 128 + request.signal_number
