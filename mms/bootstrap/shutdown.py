"""The end of a server: announced, drained, and over within a time."""

from __future__ import annotations

import logging
import time

import gevent
from gevent.event import Event

from mms.bootstrap.listeners import Listeners
from mms.serving.registry import Registry

logger = logging.getLogger(__name__)

# Of the time that a shutdown may take, this is for the end of the workers; less where all is short.
_END_S = 3.0
_END_SHARE = 0.25
# Of that time: the answers to requests that are given up are small.
_LAST_ANSWERS_SHARE = 1 / 3


class Shutdown:
    """Ends a server in an order in which no client loses a request.

    Parameters
    ----------
    delay_s
        New connections are still taken for so long, by which load balancers have seen that this
        server is not ready any more.
    timeout_s
        How long all may take.
    hurry
        Set when nothing is to be waited for any more.
    """

    def __init__(self, delay_s: float, timeout_s: float, hurry: Event) -> None:
        self._delay_s = delay_s
        self._timeout_s = timeout_s
        self._hurry = hurry
        self._last_resort = gevent.Greenlet()

    def run(self, listeners: Listeners, models: Registry) -> None:
        """Take no new connections after the delay, and answer what there is; what takes too long
        is given up.
        """
        end_s = min(_END_S, _END_SHARE * self._timeout_s)
        until = time.monotonic() + self._timeout_s - end_s
        # A worker that has answered may still not end.
        self._last_resort = gevent.spawn_later(self._timeout_s - end_s / 2, _kill, models)
        logger.info('Stopping: the requests in flight are finished first.')
        listeners.begin_drain()
        # Who connects later than that would get no answer.
        delay_s = min(self._delay_s, self._timeout_s - end_s)
        if delay_s:
            logger.info('New connections are taken for %g s more.', delay_s)
            self._hurry.wait(delay_s)
        if not listeners.drain(until - time.monotonic(), self._hurry):
            logger.warning('Some requests are still in flight; they are given up.')
            models.give_up()
            listeners.drain(_LAST_ANSWERS_SHARE * end_s, Event())
        listeners.end()

    def over(self) -> None:
        """Everything has ended."""
        self._last_resort.kill()


def _kill(models: Registry) -> None:
    logger.warning('Some workers have not ended by themselves; they are killed.')
    models.give_up()
