"""Run a greenlet until it ends or a signal asks it to."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Callable

import gevent
from gevent.event import Event

from mms.errors import MMSError
from mms.runtime.interrupts import FOR_THE_FRONT, ignore_signals, release_reloads


class Stopped(gevent.GreenletExit):  # type: ignore[misc]  # gevent has no types
    """Thrown into the work when it is to end at once."""


class SignalRequests:
    """What signals have asked of the work.

    Attributes
    ----------
    stop
        Set at the first signal that ends the work.
    hurry
        Set at the second one.
    reload
        Set at SIGHUP: files are to be read again. Who does so clears it.
    reopen
        Set at SIGUSR1: the log file is to be opened again. Who does so clears it.
    serving
        Whether the work ends by itself after a signal; before that, it is stopped
        where it stands.
    signal_number
        The first signal that ends the work; 0 before there was one.
    """

    def __init__(self) -> None:
        self.stop = Event()
        self.hurry = Event()
        self.reload = Event()
        self.reopen = Event()
        self.serving = False
        self.signal_number = 0

    def begin_serving(self) -> None:
        """Note that the work ends by itself from now on."""
        self.serving = True

    def ask_to_stop(self, number: int) -> None:
        """Take a signal that ends the work."""
        if self.signal_number:
            self.hurry.set()
        else:
            self.signal_number = number
            self.stop.set()


class _Terminal:
    """The terminal that this process was started from, if it was from one."""

    def __init__(self) -> None:
        self._was_there = _has_terminal()

    def has_gone(self) -> bool:
        """Whether it was closed meanwhile: SIGHUP says so then, and asks for nothing."""
        return self._was_there and not _has_terminal()


def leave_errors_to_who_waits() -> None:
    """Keep this thread's event loop from printing a traceback of an :class:`MMSError`.

    Whoever waits for the greenlet or pool thread that failed gets it, and reports it.
    """
    hub = gevent.get_hub()
    if MMSError not in hub.NOT_ERROR:
        hub.NOT_ERROR = (*hub.NOT_ERROR, MMSError)


def _has_terminal() -> bool:
    with suppress(OSError):
        os.close(os.open('/dev/tty', os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
        return True
    return False


def _restore(watchers: Sequence[Any], handlers: Mapping[signal.Signals, Any]) -> None:
    """Give an embedding program its handlers back; libev leaves the default ones, and what comes
    between the two waits.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_FRONT)
    try:
        for watcher in watchers:
            watcher.cancel()
        for number, handler in handlers.items():
            if in_main_thread and handler is not None:
                signal.signal(number, handler)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def run_until_signal(work: Callable[[SignalRequests], None], is_last: bool = False) -> int:
    """Run `work` in a greenlet; SIGINT and SIGTERM ask it to end, and so does SIGHUP when the
    terminal was closed. Any other SIGHUP, and SIGUSR1, ask for what :class:`SignalRequests` says.

    Parameters
    ----------
    work
        Is told when it is to end; before it serves, it is killed, once.
    is_last
        The process ends after this: later signals do nothing any more. Those that waited until now
        are heard.

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
    requests, terminal = SignalRequests(), _Terminal()
    greenlet = gevent.spawn(work, requests)

    def hear(number: int) -> None:
        if number == signal.SIGUSR1:
            requests.reopen.set()
            return
        if number == signal.SIGHUP and not terminal.has_gone():
            requests.reload.set()
            return
        requests.ask_to_stop(number)
        if not (requests.serving or requests.hurry.is_set()):
            greenlet.kill(Stopped, block=False)

    # nohup has SIGHUP ignored.
    heard = [number for number in FOR_THE_FRONT if signal.getsignal(number) != signal.SIG_IGN
             or number in (signal.SIGINT, signal.SIGTERM)]
    before = {number: signal.getsignal(number) for number in heard}
    handlers = [gevent.signal_handler(number, hear, int(number)) for number in heard]
    if is_last:
        release_reloads()
    try:
        greenlet.join()
    finally:
        if is_last:
            ignore_signals(FOR_THE_FRONT)
        else:
            _restore(handlers, before)
    greenlet.get()
    stopped_early = requests.signal_number and not requests.serving
    return 128 + requests.signal_number if stopped_early else 0
