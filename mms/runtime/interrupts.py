"""Signals that interrupt a block at most once: what it clears up then is cleared up whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Optional

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def first_interrupt_only() -> Iterator[None]:
    """The first SIGINT, SIGTERM or SIGHUP does what it always does; later ones wait for the end
    of the block, where those of another number than the first come through.

    In another thread than the main one, where no signal arrives, it does nothing.
    """
    with _holding(_Signals(most=1)):
        yield


@contextmanager
def no_interrupts() -> Iterator[None]:
    """The same, but the first one waits too."""
    with _holding(_Signals(most=0)):
        yield


def ignore_signals() -> None:
    """For a process that is about to end anyway."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)


class _Signals:
    def __init__(self, most: int) -> None:
        self._most = most
        self._passed: list[int] = []
        self._held: list[int] = []
        self._before: dict[int, Any] = {}

    def install(self) -> None:
        """Take the handlers over, but for signals that are ignored, or are not Python's."""
        for number in STOPPING:
            before = signal.getsignal(number)
            if before not in (None, signal.SIG_IGN):
                self._before[number] = before
                signal.signal(number, self._handle)

    def restore(self) -> None:
        """Put the handlers back, unless somebody else has replaced them, and deliver."""
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
