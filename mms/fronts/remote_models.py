"""The models of the server, as a front has them: asked through its link."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple, NoReturn, Optional

import gevent
from gevent.event import AsyncResult, Event

from mms.errors import BuffersFull, ModelNotFound, ModelUnavailable
from mms.event_loop.guard import GuardedLoop
from mms.fronts.failures import raised
from mms.fronts.frames import Frame, Kind
from mms.fronts.incoming import Incoming
from mms.fronts.link import Handler, Link, LinkClosed
from mms.ipc.request import Content, Reply, Request
from mms.metrics import Metrics
from mms.metrics.server_metrics import ServerMetrics
from mms.runtime.byte_budget import ByteBudget, ChunkedBuffer
from mms.serving.caller import Caller

# Whether a client has left is looked at so often while its request waits.
_LOOK_S = 0.02
_UNLIMITED = ByteBudget()


class Response(NamedTuple):
    """What the server has answered to a request that was passed on.

    Attributes
    ----------
    status, headers
        As WSGI has them.
    body
        In pieces.
    """

    status: str
    headers: list[tuple[str, str]]
    body: ChunkedBuffer


class _Waiting:
    """Somebody waits for an answer."""

    __slots__ = ('answer', 'asked_s', 'caller', 'is_watched')

    def __init__(self, caller: Caller) -> None:
        self.answer = AsyncResult()
        self.caller = caller
        self.asked_s = time.monotonic()
        # From when all of it is sent, until the server is told that its client has left.
        self.is_watched = False


class RemoteModels:
    """What the front needs of the models; see :class:`mms.frontend.predictor.Models`.

    Parameters
    ----------
    budget
        Where answers count.
    server_metrics, metrics
        Are to know which models there are.
    """

    def __init__(self, budget: ByteBudget, server_metrics: ServerMetrics,
                 metrics: Metrics) -> None:
        self._incoming = Incoming(budget)
        self._followers = server_metrics, metrics
        self._names: dict[str, None] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._asked = Event()
        self._numbers = count(1)
        self.revision = 0
        self.link: Optional[Link] = None
        self.handlers: dict[int, Handler] = {
            Kind.REPLY: self._replied, Kind.RESPONSE: self._responded,
            Kind.FAILURE: self._failed, Kind.PIECE: self._incoming.add}
        self._looking = GuardedLoop('clients that have left', self._look)

    @property
    def names(self) -> Sequence[str]:
        """Names of those that a request may be for, in order: those without a worker, too."""
        return tuple(self._names)

    @property
    def unloaded(self) -> Sequence[str]:
        """None but those that :attr:`names` has."""
        return ()

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def serve(self, names: Sequence[str]) -> None:
        """These are served from now on, and no others."""
        before, self._names = self._names, dict.fromkeys(names)
        self.revision += 1
        for follower in self._followers:
            for name in self._names.keys() - before.keys():
                follower.add_model(name)
            for name in before.keys() - self._names.keys():
                follower.remove_model(name)

    def signature(self, name: str) -> NoReturn:
        """Nothing here describes a model.

        Raises
        ------
        ModelNotFound
        """
        raise ModelNotFound(f'{name} is described by the server itself.')

    def ill_health(self) -> Mapping[str, str]:
        """Nothing here tells of health."""
        return {}

    def submit(self, name: str, request: Request, caller: Caller) -> Reply:
        """Answer one request, unless its caller has left before it is its turn.

        Raises
        ------
        RequestError
        """
        content = request.content
        head = [name, request.protocol, request.content_type, tuple(request.context),
                len(content), dict(request.headers)]
        reply: Reply = self._ask(Kind.PREDICT, head, content, caller)
        return reply

    def forward(self, environ: Mapping[str, Any], body: Content = b'') -> Optional[Response]:
        """What the server answers to a request that is for no model; None where it is for one.

        Raises
        ------
        RequestError
        """
        told = {name: value for name, value in environ.items() if isinstance(value, str)}
        found: Optional[Response] = self._ask(Kind.FORWARD, [told, len(body)], body, Caller())
        return found

    def _ask(self, kind: Kind, head: Any, content: Any, caller: Caller) -> Any:
        link = self.link
        if link is None or link.is_closed:
            raise _ends()
        number, waiting = next(self._numbers), _Waiting(caller)
        self._waiting[number] = waiting
        self._asked.set()
        try:
            link.send_content(kind, number, head, content)
            waiting.is_watched = True
            # Not get(): see Scheduler.submit.
            waiting.answer.wait()
            if waiting.answer.exception is not None:
                raise waiting.answer.exception
            return waiting.answer.value
        except LinkClosed:
            raise _ends() from None
        finally:
            self._waiting.pop(number, None)
            del waiting

    def _replied(self, frame: Frame) -> None:
        queue_s, size, stage_times_ms, content_type, status, headers = frame.header

        def whole(content: ChunkedBuffer, error: Optional[BuffersFull]) -> None:
            self._settle(frame.number, queue_s, error,
                         Reply(content, stage_times_ms, content_type, status, headers))

        self._incoming.begin(frame, size, whole)

    def _responded(self, frame: Frame) -> None:
        if frame.header is None:
            self._settle(frame.number, None, None, None)
            return
        size, status, headers, *_ = frame.header

        def whole(content: ChunkedBuffer, error: Optional[BuffersFull]) -> None:
            self._settle(frame.number, None, error,
                         Response(status, [(name, value) for name, value in headers], content))

        # Probes are answered also where there is no room for anything else.
        self._incoming.begin(frame, size, whole, _UNLIMITED)

    def _failed(self, frame: Frame) -> None:
        queue_s, *told = frame.header
        self._settle(frame.number, queue_s, raised(*told), None)

    def _settle(self, number: int, queue_s: Optional[float], error: Optional[Exception],
                value: Any) -> None:
        waiting = self._waiting.get(number)
        if waiting is None:
            return
        if queue_s is not None:
            waiting.caller.served_after(queue_s)
        if error is not None:
            waiting.answer.set_exception(error)
        else:
            waiting.answer.set(value)

    def _look(self) -> None:
        """Tell the server of clients that have left."""
        if not self._waiting:
            self._asked.clear()
            self._asked.wait()
        gevent.sleep(_LOOK_S)
        before = time.monotonic() - _LOOK_S
        for number, waiting in list(self._waiting.items()):
            if waiting.asked_s > before:
                break
            if self.link is not None and waiting.is_watched and waiting.caller.has_left():
                waiting.is_watched = False
                self.link.send(Kind.LEFT, number)


def _ends() -> ModelUnavailable:
    return ModelUnavailable('The server ends.')
