"""What is said until a process of a model is ready: it loads, and is run for the first time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Optional, TypeVar

import gevent

from mms.archive.signature import validate_signature
from mms.errors import ServiceError, SignatureError
from mms.ipc.channel import ChannelClosed
from mms.ipc.messages import Imported, Load, Loaded, Ready, Unsuited, WarmUp
from mms.ipc.request import Failure
from mms.ipc.shape import BrokenFrame
from mms.pool.channel import FrontChannel
from mms.pool.process_errors import DiedEarly, Unlaunchable, WarmUpFailed

M = TypeVar('M')


class Handshake:
    """The beginning of one process.

    Parameters
    ----------
    channel
        To the process.
    how_it_ended
        Waits until it has ended, or ends it, and says how.
    """

    def __init__(self, channel: FrontChannel, how_it_ended: Callable[[], str]) -> None:
        self._channel = channel
        self._how_it_ended = how_it_ended

    def load(self, load: Load, load_s: Optional[float], warm_up_s: Optional[float],
             await_turn: Callable[[], None]) -> Ready:
        """Have it load a model; see :meth:`WorkerProcess.load`."""
        late = ServiceError(f'it did not load within {load_s or 0:.0f} s')
        with gevent.Timeout(load_s, late):
            try:
                self._channel.send(load)
            except ChannelClosed:
                raise self._died_early(ServiceError) from None
            loaded = self._receive(Loaded, DiedEarly)
        if loaded.measures:
            await_turn()
        with suppress(ChannelClosed):
            # How it ended is told to those who wait until it is ready.
            self._channel.send(WarmUp())
        return self._await_ready(warm_up_s, WarmUpFailed(
            f'it was not run for the first time within {warm_up_s or 0:.0f} s'),
            ServiceError if load.strict else WarmUpFailed,
            'was run for the first time')

    def imported(self, seconds: float) -> str:
        """Wait until a launcher can be forked; why it cannot, empty where it can."""
        with gevent.Timeout(seconds, ServiceError(f'it was not ready within {seconds:.0f} s')):
            return self._receive(Imported, ServiceError, 'started').unforkable

    def join(self, seconds: float) -> Ready:
        """Wait until one is ready that has its model already."""
        return self._await_ready(seconds,
                                 ServiceError(f'it was not ready within {seconds:.0f} s'))

    def measured(self, seconds: float, on_batches: Callable[[Ready], None]) -> Ready:
        """Wait until one has measured what pays; see :meth:`WorkerProcess.measure`."""
        late, when = ServiceError(f'it was not measured within {seconds:.0f} s'), 'was measured'
        ready = self._await_ready(seconds, late, when=when)
        if ready.is_measured:
            return ready
        on_batches(ready)
        return self._await_ready(seconds, late, when=when)

    def _await_ready(self, seconds: Optional[float], late: ServiceError,
                     early: type[ServiceError] = ServiceError,
                     when: str = 'loaded') -> Ready:
        with gevent.Timeout(seconds, late):
            ready = self._receive(Ready, early, when)
        _check_ready(ready)
        return ready

    def _receive(self, kind: type[M], early: type[ServiceError], when: str = 'loaded') -> M:
        try:
            answer = self._channel.receive()
        except ChannelClosed:
            raise self._died_early(early, when) from None
        except BrokenFrame as error:
            raise ServiceError(f'its worker process sent what is no message: {error}') from None
        if isinstance(answer, Failure):
            self._how_it_ended()
            raise ServiceError(answer.message)
        if isinstance(answer, Unsuited):
            raise Unlaunchable(answer.reason)
        if not isinstance(answer, kind):
            raise ServiceError(f'its worker process sent {named(answer)} while it {when}')
        return answer

    def _died_early(self, kind: type[ServiceError], when: str = 'loaded') -> ServiceError:
        return kind(f'its worker process ended while it {when} ({self._how_it_ended()})')


def named(message: Any) -> str:
    """A message, for messages to people."""
    return f'a message of the kind {type(message).__name__}'


def _check_ready(ready: Ready) -> None:
    """See that what a process says of its model can be gone by: its service may say anything."""
    try:
        validate_signature(ready.signature, 'its signature')
    except SignatureError as error:
        raise ServiceError(f'its worker process is ready with what is none: {error}') from None
    if ready.batch_size < 1 or not all(type(level) is int and level > 0 for level in ready.levels):
        raise ServiceError('its worker process is ready for numbers of requests or threads that '
                           'are none')
