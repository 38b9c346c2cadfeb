"""The work of a front process: connections that it is given, and what the server asks of it."""

from __future__ import annotations

import socket as system
import time
from collections.abc import Callable, Sequence
from typing import Any, Optional

import gevent
from gevent import socket
from gevent.event import Event

from mms.event_loop.guard import GuardedLoop, attempt
from mms.event_loop.in_thread import in_thread
from mms.event_loop.loop_probe import LoopProbe
from mms.frontend.access.control import Access
from mms.frontend.access_log import AccessLog
from mms.frontend.application import Application
from mms.frontend.http.admission import Peer, gives_way_after_s
from mms.frontend.http.open_connections import Use
from mms.frontend.http.tls import TLS
from mms.frontend.middleware import GiveWay
from mms.frontend.predictor import Predictor
from mms.frontend.rate_limiting import RateLimiting
from mms.frontend.routes import prediction_routes
from mms.frontend.routing import Table
from mms.frontend.stack import stack
from mms.fronts.frames import Kind
from mms.fronts.front_application import FrontApplication
from mms.fronts.front_server import FrontServer
from mms.fronts.front_tokens import FrontTokens
from mms.fronts.link import Link
from mms.fronts.options import FrontOptions
from mms.fronts.remote_buckets import RemoteBuckets
from mms.fronts.remote_models import RemoteModels
from mms.fronts.watch import ALIVE
from mms.log.setup import JSON
from mms.metrics import Metrics, Report, increments
from mms.metrics.server_metrics import ServerMetrics
from mms.runtime.byte_budget import ByteBudget

# The server is told so often what was counted; at once when it asks.
_COUNT_S = 0.25
# As many are taken as any server accepts before others have their turn.
_MOST_TAKEN = 3
_MOST_NAME_BYTES = 1024


class Front:
    """Serves the connections that it is given.

    Parameters
    ----------
    options
        What it was told.
    budget
        Where bodies and answers count.
    sock
        To the server.
    gifts_fd
        Where connections come from.
    reopen_log
        Opens the log file again.
    """

    def __init__(self, options: FrontOptions, budget: ByteBudget, sock: socket.socket,
                 gifts_fd: int, reopen_log: Callable[[], None]) -> None:
        self._reopen_log = reopen_log
        self._server_metrics = ServerMetrics()
        self._metrics = Metrics((), _Nowhere())
        self._models = RemoteModels(budget, self._server_metrics, self._metrics)
        self._models.serve(options.models)
        self._link = self._models.link = Link(sock, {
            'begin': _nothing, ALIVE: _nothing, 'serve': self._models.serve,
            'count': self._tell_counts, 'files': self._read_files, 'reopen': self._reopen,
            'drain': self._drain, 'use': self._use, 'oldest': self._oldest,
            'give_way': self._give_way, 'end': self._end}, self._models.handlers)
        self._tls = None if options.tls is None else TLS(options.tls)
        self._tokens = None if options.tokens is None else FrontTokens(options.tokens)
        application = FrontApplication(self._predictions(options, budget), self._models,
                                       budget)
        self._servers = {name: FrontServer(
            application, budget, self._tls if environ['wsgi.url_scheme'] == 'https' else None,
            options.cors_origins, options.limits, self._server_metrics.refusals, environ,
            self._left(name)) for name, environ in options.listeners.items()}
        self._gifts = system.socket(fileno=gifts_fd)
        self._gifts.setblocking(False)
        self._given = gevent.get_hub().loop.io(gifts_fd, 1)
        self._has_counted = Event()

    def run(self) -> None:
        """Serve until the server has gone, or says that this is the end."""
        LoopProbe(self._server_metrics.blocked).start()
        for server in self._servers.values():
            server.begin()
        GuardedLoop('the metrics', self._count)
        self._given.start(self._take)
        self._link.run()

    def _predictions(self, options: FrontOptions, budget: ByteBudget) -> Application:
        limiting = options.rate_limit and RateLimiting(
            options.rate_limit, self._server_metrics.refusals, RemoteBuckets(self._link))
        predictor = Predictor(self._models, self._metrics, options.max_request_bytes, budget)
        access = Access(self._tokens, options.cors_origins, self._server_metrics.refusals)
        log = AccessLog(options.access_log_exclude, options.slow_request_s,
                        options.log_format == JSON)
        return Application(Table(prediction_routes(predictor), self._models), stack(
            self._metrics, self._server_metrics, log, options.cors_origins, access,
            limiting or None, GiveWay()), options.forwarded_allow_ips)

    def _take(self) -> None:
        """Take some of the connections that were handed over."""
        for _ in range(_MOST_TAKEN):
            if not self._take_one():
                return

    def _take_one(self) -> bool:
        try:
            text, fds, *_ = system.recv_fds(self._gifts, _MOST_NAME_BYTES, 1)
        except BlockingIOError:
            return False
        except OSError:
            text, fds = b'', []
        if not text:
            # The server has gone.
            self._given.stop()
            return False
        listener, host, port, family = text.decode().split('\0')
        server = self._servers[listener]
        if not fds:
            server.accept_failed(OSError('this process may open no more files'))
            self._link.send(Kind.CLOSED, 0, [listener, host])
            return True
        sock = socket.socket(int(family), socket.SOCK_STREAM, fileno=fds[0])
        server.do_handle(sock, Peer(host, int(port)))
        return True

    def _take_all(self) -> None:
        while self._given.active and self._take_one():
            pass

    def _left(self, listener: str) -> Callable[[str], None]:
        return lambda host: self._link.send(Kind.CLOSED, 0, [listener, host])

    def _count(self) -> None:
        gevent.sleep(_COUNT_S)
        self._tell_counts()

    def _tell_counts(self) -> None:
        taken = increments.take(self._server_metrics, self._metrics)
        if taken:
            self._link.send(Kind.COUNTED, 0, taken)

    def _read_files(self, tokens: Optional[Sequence[Any]]) -> str:
        """Why the certificate stays as it was; else nothing."""
        if self._tokens is not None and tokens is not None:
            self._tokens.take(tokens)
        return '' if self._tls is None else in_thread(self._tls.read_again)

    def _reopen(self) -> None:
        in_thread(self._reopen_log)

    def _drain(self) -> None:
        for server in self._servers.values():
            server.begin_drain()

    def _use(self) -> tuple[bool, int]:
        """Whether requests are awaited, and how many are in hand."""
        # Those count that were handed over before it was asked.
        self._take_all()
        servers = self._servers.values()
        return (any(server.is_awaited for server in servers),
                sum(server.connections.busy for server in servers))

    def _oldest(self, listener: str) -> list[Optional[float]]:
        now, server = time.monotonic(), self._servers[listener]
        return [server.oldest(use, now - after_s) for use, after_s in gives_way_after_s()]

    def _give_way(self, listener: str, use: str, after_s: float) -> bool:
        return self._servers[listener].give_way(Use[use], time.monotonic() - after_s)

    def _end(self) -> None:
        self._given.stop()
        for server in self._servers.values():
            attempt('the end of the connections', server.end)
        self._tell_counts()


class _Nowhere:
    """Nothing is reported here: the server does it."""

    def write(self, report: Report) -> None:
        """Nothing."""


def _nothing() -> None:
    pass
