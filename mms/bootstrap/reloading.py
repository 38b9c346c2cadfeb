"""What a server does when it is told to read its files again, while it answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Callable

import gevent

from mms.event_loop.guard import attempt
from mms.runtime.service_manager import ServiceManager
from mms.runtime.signals import SignalRequests

logger = logging.getLogger(__name__)


class Reloading:
    """Opens the log file again (SIGUSR1), and with it reads other files (SIGHUP).

    Parameters
    ----------
    signals
        What is asked for.
    reopen_log
        Opens the log file again.
    on_reload
        What reads the other files; see :class:`mms.bootstrap.parts.Parts`.
    manager
        Is told when a reload begins and ends.
    status
        What the server does while it is not reloading, for the manager.
    """

    def __init__(self, signals: SignalRequests, reopen_log: Callable[[], None],
                 on_reload: Sequence[Callable[[], None]], manager: ServiceManager,
                 status: str) -> None:
        self._signals = signals
        self._reopen_log = reopen_log
        self._on_reload = on_reload
        self._manager = manager
        self._status = status

    def turn(self) -> None:
        """Wait until something is asked for, and do it."""
        signals = self._signals
        gevent.wait([signals.reload, signals.reopen], count=1)
        if signals.reopen.is_set():
            signals.reopen.clear()
            attempt('the log file', self._reopen_log)
            logger.info('The log file was opened again (SIGUSR1).')
        if signals.reload.is_set():
            signals.reload.clear()
            self._reload()

    def _reload(self) -> None:
        self._manager.reloading()
        attempt('the log file', self._reopen_log)
        for read in self._on_reload:
            attempt('a file that is read again', read)
        logger.info('The log file was opened again, and what may change was read again (SIGHUP).')
        self._manager.ready(self._status)
