"""Signals that interrupt a block at most once: what it clears up then is cleared up whole."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Optional

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What all processes of a server may get, where only its front is meant.
FOR_THE_FRONT = (*STOPPING, signal.SIGUSR1)
# What a server goes on after, and what would end a process that does not know it yet.
_RELOADING = (signal.SIGHUP, signal.SIGUSR1)
# When a signal whose exception was lost comes again: what lost it is over by then.
_AGAIN_S = 0.01


@contextmanager
def first_interrupt_only() -> Iterator[None]:
    """The first SIGINT, SIGTERM or SIGHUP does what it always does; later ones wait for the end
    of the block, where those of another number than the first come through. What the first raises
    may be raised where nobody gets it, as in a destructor: it comes again then.

    In another thread than the main one, where no signal arrives, it does nothing.
    """
    with _holding(_Signals(most=1)):
        yield


@contextmanager
def no_interrupts() -> Iterator[None]:
    """The same, but the first one waits too."""
    with _holding(_Signals(most=0)):
        yield


def ignore_signals(numbers: Iterable[signal.Signals] = STOPPING) -> None:
    """For a process that is about to end anyway."""
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def heed_children() -> None:
    """Be told how children end, in a process whose parent ignores that of its own, which is passed
    on: the kernel would reap them, and nobody would know.
    """
    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def hold_reloads() -> None:
    """Have SIGHUP and SIGUSR1 wait for :func:`release_reloads`, in a process that is about to be a
    server.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _RELOADING)


def release_reloads() -> None:
    """Hear what has waited; call it when there are handlers."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _RELOADING)


@contextmanager
def signals_held_in_children() -> Iterator[None]:
    """A process that is started within gets none of :data:`FOR_THE_FRONT` before it unblocks them:
    it would end of the first.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_FRONT)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Signals:
    def __init__(self, most: int) -> None:
        self._most = most
        self._passed: list[int] = []
        self._held: list[int] = []
        self._before: dict[int, Any] = {}
        self._unraisable: Callable[[Any], Any] = sys.unraisablehook

    def install(self) -> None:
        """Take the handlers over, but for signals that are ignored, or are not Python's."""
        for number in STOPPING:
            before = signal.getsignal(number)
            if before not in (None, signal.SIG_IGN):
                self._before[number] = before
                signal.signal(number, self._handle)
        self._unraisable, sys.unraisablehook = sys.unraisablehook, self._lost

    def restore(self) -> None:
        """Put the handlers back, unless somebody else has replaced them, and deliver."""
        if sys.unraisablehook == self._lost:
            sys.unraisablehook = self._unraisable
        for number, before in self._before.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, before)
        for number in dict.fromkeys(self._held):
            if number not in self._passed:
                signal.raise_signal(number)

    def _handle(self, number: int, frame: Optional[FrameType]) -> None:
        if len(self._passed) >= self._most:
            self._held.append(number)
            return
        self._passed.append(number)
        before = self._before[number]
        if callable(before):
            before(number, frame)
        else:
            signal.signal(number, before)
            signal.raise_signal(number)

    def _lost(self, failure: Any) -> None:
        """Python goes on after what a destructor, or a callback of its own, has raised."""
        if issubclass(failure.exc_type, Exception) or not self._passed:
            self._unraisable(failure)
            return
        number = self._passed.pop()
        if isinstance(getattr(self._unraisable, '__self__', None), _Signals):
            self._unraisable(failure)
            return
        again = threading.Timer(_AGAIN_S, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()


@contextmanager
def _holding(signals: _Signals) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        signals.install()
        yield
    finally:
        signals.restore()
