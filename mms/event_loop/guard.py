"""Greenlets that have to go on: what one of them raises is logged, and ends nothing else."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Any, Callable

import gevent

logger = logging.getLogger(__name__)

# Not GreenletExit, which ends a greenlet by intention. A timer of gevent's is no Exception.
FAULTS = (Exception, gevent.Timeout)

# A fault that repeats does not keep a core busy, nor fill the log.
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
# So many in a row are no accident.
_MANY = 3
# What failed longer ago says nothing of now: without requests there is nothing to succeed in.
_REMEMBERED_S = 30.0


def report(what: str) -> None:
    """Log the exception that is being handled, with its traceback."""
    # Where the log itself fails, there is nobody to tell.
    with suppress(Exception):
        logger.exception('The server itself failed over %s; it goes on.', what)


def log_escaped(context: Any, kind: type, error: Any, trace: Any) -> None:
    """What gevent's hub would print on standard error."""
    logger.error('A greenlet failed', exc_info=(kind, error, trace))


def attempt(what: str, duty: Callable[..., Any], *arguments: Any) -> bool:
    """Do something once; whether it raised nothing. What it raises is logged.

    Parameters
    ----------
    what
        For the log: what the server failed over.
    """
    try:
        duty(*arguments)
    except FAULTS:
        report(what)
        return False
    return True


class BackgroundTasks:
    """Greenlets that nobody waits for, until all of them are to end.

    Parameters
    ----------
    what
        For the log: what the server fails over where one of them raises.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._greenlets: set[gevent.Greenlet] = set()

    def spawn(self, duty: Callable[..., Any], *arguments: Any) -> gevent.Greenlet:
        """Start a greenlet, and do not wait for it."""
        greenlet = gevent.spawn(attempt, self._what, duty, *arguments)
        self._greenlets.add(greenlet)
        greenlet.link(self._greenlets.discard)
        return greenlet

    def join(self) -> None:
        """Wait until all is done."""
        gevent.joinall(list(self._greenlets))

    def kill(self) -> None:
        """End what is not done yet."""
        gevent.killall(list(self._greenlets))


class FirstFailureLog:
    """Things that are done often: of those that fail one after another, the first is logged.

    Parameters
    ----------
    what
        For the log: what the server failed over.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._failed_before = False

    def attempt(self, duty: Callable[..., Any], *arguments: Any) -> None:
        """Do one of them."""
        try:
            duty(*arguments)
        except FAULTS:
            if not self._failed_before:
                report(self._what)
            self._failed_before = True
        else:
            self._failed_before = False


class GuardedLoop:
    """A greenlet that takes one turn after the other, whatever they raise.

    Parameters
    ----------
    what
        For the log: what the server fails over.
    turn
        Waits until there is something to do, and does it.
    on_fault
        Called after each turn that raised.
    """

    def __init__(self, what: str, turn: Callable[[], Any],
                 on_fault: Callable[[], Any] = lambda: None) -> None:
        self._what = what
        self._turn = turn
        self._on_fault = on_fault
        self._faults = 0
        self._error = ''
        self._failed_at = 0.0
        self._greenlet = gevent.spawn(self._run)

    def ill_health(self) -> str:
        """What the latest turns raised, when that was several in a row; else an empty string."""
        is_recent = time.monotonic() < self._failed_at + _REMEMBERED_S
        if self._faults < _MANY or not is_recent:
            return ''
        return f'the server itself fails over {self._what} ({self._error})'

    def kill(self) -> None:
        """End it where it stands."""
        self._greenlet.kill()

    def _run(self) -> None:
        while True:
            try:
                self._turn()
            except FAULTS as error:
                report(self._what)
                self._failed(error)
                gevent.sleep(_pause_s(self._faults))
            else:
                self._faults = 0

    def _failed(self, error: BaseException) -> None:
        self._faults += 1
        self._failed_at = time.monotonic()
        self._error = f'{type(error).__name__}: {error}'
        attempt(self._what, self._on_fault)


def _pause_s(faults: int) -> float:
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(faults - 1, 16))
