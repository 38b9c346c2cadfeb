"""What the server does for one of its fronts: each frame that comes from it is answered here."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple, Optional

import gevent

from mms.errors import BuffersFull, RequestError
from mms.event_loop.guard import FAULTS, report
from mms.frontend.application import Application
from mms.frontend.exchange import decoded
from mms.frontend.predictor import Models
from mms.fronts.failures import told
from mms.fronts.frames import Frame, Kind
from mms.fronts.incoming import Incoming
from mms.fronts.link import Link, LinkClosed, Verbs
from mms.ipc.context import Context
from mms.ipc.request import Request
from mms.log import request_ids
from mms.metrics import Metrics, increments
from mms.metrics.server_metrics import ServerMetrics
from mms.runtime.byte_budget import ByteBudget, ChunkedBuffer
from mms.serving.caller import Caller

logger = logging.getLogger(__name__)


def everybody(client: str, count: int) -> None:
    """Nobody's requests are limited."""


class Services(NamedTuple):
    """What a server has for all of its fronts.

    Attributes
    ----------
    models
        Answer predictions.
    application
        Answers all else.
    metrics, server_metrics
        Count what fronts have counted.
    budget
        Where bodies and answers count.
    verbs
        What else fronts ask for.
    admit
        Called with the address of a client, and how many more requests it makes with one; raises
        where it may not.
    closed
        Called with the name of a listener and the address of a client that has gone.
    """

    models: Models
    application: Application
    metrics: Metrics
    server_metrics: ServerMetrics
    budget: ByteBudget
    verbs: Verbs
    closed: Callable[[str, str], None]
    admit: Callable[[str, int], None] = everybody


class Desk:
    """Answers one front.

    Parameters
    ----------
    services
        What it answers with.
    tell_models
        Has the front know which models are served now.

    Attributes
    ----------
    link
        To the front.
    connections
        How many the front has.
    """

    def __init__(self, sock: Any, services: Services, tell_models: Callable[[], None]) -> None:
        self._services = services
        self._tell_models = tell_models
        self._incoming = Incoming(services.budget)
        # Of those that wait for an answer, whose clients have left.
        self._left: set[int] = set()
        self._unanswered: set[int] = set()
        # Listener and address -> how many connections it has from there.
        self._clients: Counter[tuple[str, str]] = Counter()
        self.connections = 0
        self.link = Link(sock, services.verbs, {
            Kind.PREDICT: self._predict, Kind.PIECE: self._incoming.add, Kind.LEFT: self._has_left,
            Kind.FORWARD: self._forward, Kind.COUNTED: self._counted, Kind.CLOSED: self._closed})

    def given(self, listener: str, host: str) -> None:
        """The front has another connection."""
        self._clients[listener, host] += 1
        self.connections += 1

    def over(self) -> None:
        """The front has ended: its clients have gone with it."""
        self._incoming.forget()
        self._left |= self._unanswered
        for (listener, host), number in self._clients.items():
            for _ in range(number):
                self._services.closed(listener, host)
        self._clients.clear()
        self.connections = 0

    def _closed(self, frame: Frame) -> None:
        listener, host = frame.header
        self.connections -= 1
        self._clients[listener, host] -= 1
        if self._clients[listener, host] <= 0:
            del self._clients[listener, host]
        self._services.closed(listener, host)

    def _counted(self, frame: Frame) -> None:
        increments.add(self._services.server_metrics, self._services.metrics, frame.header)

    def _has_left(self, frame: Frame) -> None:
        if frame.number in self._unanswered:
            self._left.add(frame.number)

    def _predict(self, frame: Frame) -> None:
        name, protocol, content_type, context, size, headers = frame.header
        number = frame.number

        def whole(content: ChunkedBuffer, error: Optional[BuffersFull]) -> None:
            if error is not None:
                self.link.send(Kind.FAILURE, number, [None, *told(error)])
                return
            request = Request(protocol, content_type, content, Context(*context), headers)
            # Its client may have left in the next frame.
            self._unanswered.add(number)
            gevent.spawn_raw(self._answer, number, name, request)

        self._incoming.begin(frame, size, whole)

    def _answer(self, number: int, name: str, request: Request) -> None:
        caller = Caller(lambda: number in self._left,
                        partial(self._services.admit, request.context.client))
        request_ids.begin(request.context)
        error: Optional[RequestError] = None
        try:
            reply = self._services.models.submit(name, request, caller)
            head = [caller.queue_s, len(reply.content), reply.stage_times_ms, reply.content_type,
                    reply.status, dict(reply.headers)]
            self.link.send_content(Kind.REPLY, number, head, reply.content)
            return
        except RequestError as raised:
            error = raised
            raised.__traceback__ = raised.__context__ = None
        except LinkClosed:
            return
        except FAULTS:
            report(f'a request for model {name}')
        finally:
            self._unanswered.discard(number)
            self._left.discard(number)
        self.link.send(Kind.FAILURE, number, [caller.queue_s, *told(error)])

    def _forward(self, frame: Frame) -> None:
        environ, size = frame.header
        number = frame.number

        def whole(content: ChunkedBuffer, error: Optional[BuffersFull]) -> None:
            if error is not None:
                self.link.send(Kind.FAILURE, number, [None, *told(error)])
                return
            gevent.spawn_raw(self._answer_all_else, number, environ, content)

        self._incoming.begin(frame, size, whole)

    def _answer_all_else(self, number: int, environ: dict[str, Any],
                         content: ChunkedBuffer) -> None:
        try:
            if self._is_prediction(environ):
                # Of a model that has come just now.
                self._tell_models()
                self.link.send(Kind.RESPONSE, number)
                return
            head: list[Any] = []
            environ['wsgi.input'] = BytesIO(bytes(content))
            body = b''.join(self._services.application(
                environ, lambda *began: head.extend(began)))
            self.link.send_content(Kind.RESPONSE, number, [len(body), *head], body)
        except LinkClosed:
            pass
        except FAULTS:
            report('a request that a front process has passed on')
            self.link.send(Kind.FAILURE, number, [None, *told(None)])

    def _is_prediction(self, environ: dict[str, Any]) -> bool:
        path = decoded(environ.get('PATH_INFO', ''))
        if path[:2] == '//':
            return False
        find = self._services.application.table.find
        route, *_ = find(path if path[:1] == '/' else f'/{path}', environ['REQUEST_METHOD'].upper())
        return route is not None and bool(route.protocol)
