"""The front processes of a server: kept running, given connections, drained."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, Optional

import gevent
from gevent import socket
from gevent.event import Event

from mms.errors import StartupError
from mms.event_loop.guard import FAULTS, report
from mms.frontend.http.admission import Peer, gives_way_after_s
from mms.fronts.desk import Services
from mms.fronts.launch import FrontProcess
from mms.fronts.link import LinkClosed
from mms.fronts.options import FrontOptions
from mms.runtime.shared_budget import SharedBudget

logger = logging.getLogger(__name__)

# One that hangs does not keep others from an answer: the rest of what it has counted comes later.
_COUNTED_WITHIN_S = 0.5
_TOLD_WITHIN_S = 5.0
# It closes its connections within a second.
_ENDS_WITHIN_S = 1.5
_LOOK_S = 0.02
# One that ends as soon as it has begun does not keep a core busy.
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 10.0
# One that has run for so long has ended by accident.
_LONG_S = 10.0

Tell = Callable[[FrontProcess], Any]


class Fleet:
    """Starts front processes, and others in the place of those that end.

    Parameters
    ----------
    number
        How many there are.
    budget
        Where all of them count what they hold.
    """

    def __init__(self, number: int, budget: SharedBudget) -> None:
        self._budget = budget
        self._fronts: dict[int, FrontProcess] = {}
        self._opened = Event()
        self._ending = Event()
        # How often files were read again.
        self._revision = 0
        self._turns = count()
        self.number = number
        self.connections = _Busy()
        self._keepers = [gevent.spawn(self._keep, place) for place in range(1, number + 1)]

    def open(self, services: Services, options: Callable[[], FrontOptions],
             names: Callable[[], Sequence[str]], seconds: float) -> None:
        """Let them begin, and wait for them, for so long at most.

        Parameters
        ----------
        services
            What they are answered with.
        options
            What each is told.
        names
            Of the models that are served now.
        """
        self._services, self._options, self._names = services, options, names
        self._opened.set()
        end = time.monotonic() + seconds
        while len(self._ready) < self.number and time.monotonic() < end:
            gevent.sleep(_LOOK_S)

    @property
    def pids(self) -> list[int]:
        """Of those that take connections."""
        return [front.pid for front in self._ready]

    def hand_over(self, listener: str, sock: socket.socket, peer: Peer) -> bool:
        """Give a connection to the front that has fewest; False where nobody takes it."""
        # Of those that have equally many, each has its turn.
        turn = next(self._turns)
        fronts = sorted(self._ready, key=lambda front: (
            front.desk.connections, (front.place - turn) % self.number))
        return any(front.give(listener, sock, peer) for front in fronts)

    def make_room(self, listener: str) -> bool:
        """Have the connection closed that has not been used for longest; whether there was one."""
        told = self._ask('oldest', listener, seconds=_COUNTED_WITHIN_S)
        for place, (use, after_s) in enumerate(gives_way_after_s()):
            found = [(since[place], front) for front, since in told if since[place] is not None]
            for _, front in sorted(found, key=lambda each: each[0]):
                with suppress(LinkClosed, TimeoutError):
                    if front.desk.link.call('give_way', listener, use.name, after_s,
                                            seconds=_COUNTED_WITHIN_S):
                        return True
        return False

    def catch_up(self) -> None:
        """Count what they have counted so far."""
        self._ask('count', seconds=_COUNTED_WITHIN_S)

    def tell_models(self) -> None:
        """Have them know which models are served now; does not wait."""
        for front in self._ready:
            self._tell_models(front)

    def reopen_logs(self) -> None:
        """Have them open the log file again."""
        self._ask('reopen', seconds=_TOLD_WITHIN_S)

    def read_again(self) -> None:
        """Have them know the tokens of now, and read the files of the certificate."""
        self._revision += 1
        if not self._ready:
            return
        tokens = self._options().listed_tokens
        for front, reason in self._ask('files', tokens, seconds=_TOLD_WITHIN_S):
            _warn(front, reason)

    def begin_drain(self) -> None:
        """Have each answer say that its connection is closed after it."""
        for front in self._ready:
            front.desk.link.tell('drain')

    def drain(self, timeout_s: float, hurry: Event) -> bool:
        """Wait for the requests in flight; whether all have an answer.

        Parameters
        ----------
        timeout_s
            How long to wait.
        hurry
            Ends the waiting when it is set.
        """
        end = time.monotonic() + timeout_s
        self.begin_drain()
        while self.is_awaited and time.monotonic() < end and not hurry.wait(_LOOK_S):
            pass
        return not self.connections.busy

    @property
    def is_awaited(self) -> bool:
        """Whether a request is in flight, or may be on its way; asks, and waits for the answers."""
        asked = list(self._ready)
        told = [use for _, use in self._ask('use', seconds=_COUNTED_WITHIN_S)]
        # One that does not say so may have any.
        silent = len(asked) - len(told)
        self.connections.busy = sum(busy for _, busy in told) + silent
        return silent > 0 or any(awaited for awaited, _ in told)

    def end(self) -> None:
        """End them, and what they have in hand; safe to call twice."""
        self._ending.set()
        self._opened.set()
        self._ask('end', seconds=_ENDS_WITHIN_S)
        for front in list(self._fronts.values()):
            front.leave()
        gevent.joinall(self._keepers)

    @property
    def _ready(self) -> list[FrontProcess]:
        return [front for front in self._fronts.values() if front.is_ready]

    def _ask(self, verb: str, *arguments: Any, seconds: float) -> list[tuple[FrontProcess, Any]]:
        """What each says that says something within a time."""

        def ask(front: FrontProcess) -> Optional[list[Any]]:
            with suppress(LinkClosed, TimeoutError):
                return [front.desk.link.call(verb, *arguments, seconds=seconds)]
            return None

        asked = {front: gevent.spawn(ask, front) for front in self._ready}
        gevent.joinall(list(asked.values()))
        return [(front, answer.value[0]) for front, answer in asked.items() if answer.value]

    def _tell_files(self, front: FrontProcess) -> None:
        """Have it know what was read again since it was told its options, or is meanwhile."""
        told = 0
        while told != self._revision:
            told = self._revision
            _warn(front, front.desk.link.call('files', self._options().listed_tokens,
                                              seconds=_TOLD_WITHIN_S))

    def _tell_models(self, front: FrontProcess) -> None:
        front.desk.link.tell('serve', list(self._names()))
        # Before anybody is told that a model has come, or gone.
        front.desk.link.flush()

    def _keep(self, place: int) -> None:
        pause_s = 0.0
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                self._run(place)
            except StartupError as error:
                logger.error('%s; its connections are served by others.', error)
            except FAULTS:
                report('a front process')
            if time.monotonic() - began > _LONG_S:
                pause_s = 0.0
            self._ending.wait(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s or _FIRST_PAUSE_S)

    def _run(self, place: int) -> None:
        """Start one, and wait until it has ended."""
        front = FrontProcess(place, self._budget.cells.fd)
        self._fronts[place] = front
        try:
            self._opened.wait()
            if not self._ending.is_set():
                with suppress(LinkClosed, TimeoutError):
                    front.begin(self._options(), self._services, lambda: self._tell_models(front))
                    self._tell_files(front)
                    front.is_ready = True
                    # Those that have come since.
                    self._tell_models(front)
                    front.wait()
        finally:
            del self._fronts[place]
            how = front.end()
            self._budget.forget(place)
        if not self._ending.is_set():
            logger.error('Front process %d has ended (%s): its connections are lost, and another '
                         'takes its place.', front.pid, how)


def _warn(front: FrontProcess, reason: str) -> None:
    if reason:
        logger.warning('Front process %d goes on with the certificate that it has: %s',
                       front.pid, reason)


class _Busy:
    """How many connections of the fronts are answering a request, when they were last asked."""

    busy = 0
