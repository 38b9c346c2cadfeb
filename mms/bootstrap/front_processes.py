"""``--front-processes``: further processes that speak HTTP, and what the server does for them."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Optional, cast

import gevent

from mms.bootstrap.buffers import front_processes
from mms.bootstrap.http_limits import limits_of
from mms.bootstrap.listeners import Listeners
from mms.bootstrap.parts import Parts
from mms.event_loop.in_thread import in_thread
from mms.frontend.access.token_file import TokenFile
from mms.frontend.application import Application
from mms.frontend.http.tls import TLS
from mms.fronts.acceptor import Acceptor
from mms.fronts.desk import Services, everybody
from mms.fronts.fleet import Fleet
from mms.fronts.options import FrontOptions
from mms.metrics import Metrics
from mms.runtime.shared_budget import SharedBudget
from mms.serving.events import Change, Event
from mms.serving.registry import Registry

logger = logging.getLogger(__name__)

# They have begun while models were loaded. Until one is there, the server speaks HTTP itself.
_WAIT_S = 20.0


def start_fronts(parts: Parts, listeners: Listeners, tls: Optional[TLS],
                 undo: ExitStack) -> Optional[FrontProcesses]:
    """Start them, so that they are there when models are loaded; None where there are to be none.

    Parameters
    ----------
    undo
        Ends them.
    """
    number = front_processes(parts.settings)
    if not number:
        return None
    assert isinstance(parts.budget, SharedBudget)
    fleet = Fleet(number, parts.budget)
    undo.callback(fleet.end)
    return FrontProcesses(parts, listeners, tls, fleet)


class FrontProcesses:
    """Those of one server.

    Parameters
    ----------
    parts
        The parts of the server.
    listeners
        Its sockets.
    tls
        Its certificate; None for plain HTTP.
    fleet
        The processes, which wait to begin.
    """

    def __init__(self, parts: Parts, listeners: Listeners, tls: Optional[TLS],
                 fleet: Fleet) -> None:
        self._parts = parts
        self._listeners = listeners
        self._tls = tls
        self._acceptors: dict[str, Acceptor] = {}
        self.fleet = fleet

    def open(self, names: Sequence[str], models: Registry, application: Application,
             metrics: Metrics) -> None:
        """Have the connections of some listeners served by them from now on.

        Parameters
        ----------
        names
            Of the listeners.
        models
            That are asked for predictions.
        application
            Answers all else.
        metrics
            Where it is counted.

        Raises
        ------
        AddressError
        """
        parts, fleet = self._parts, self.fleet
        verbs = {} if parts.limiting is None else {'take': parts.limiting.buckets.take}
        admit = everybody if parts.limiting is None else parts.limiting.admit
        services = Services(models, application, metrics, parts.server_metrics, parts.budget,
                            verbs, self._closed, admit)
        environs = {name: self._environ(name) for name in names}
        # Before they are told how things are now.
        models.subscribe(self._follow_models)
        self._follow_files()
        fleet.open(services, lambda: self._options(environs, models),
                   lambda: _known(models), _WAIT_S)
        parts.exposition.catch_up = fleet.catch_up
        for name in names:
            self._acceptors[name] = cast(Acceptor, self._listeners.listen(
                name, application, parts.settings.cors_origins, fleet))
        logger.info('%d front processes speak HTTP: %s.', fleet.number,
                    ', '.join(map(str, fleet.pids)))

    def reopen_logs(self) -> None:
        """Have them open the log file again."""
        self.fleet.reopen_logs()

    def _follow_models(self, event: Event) -> None:
        if event.change in (Change.ADDED, Change.PARKED, Change.REMOVED):
            self.fleet.tell_models()

    def _follow_files(self) -> None:
        """Have them know what was read again, before the log says so."""
        self._parts.on_reload.append(self.fleet.read_again)
        loop = gevent.get_hub().loop
        self._parts.after_reading.append(partial(
            loop.run_callback_threadsafe, gevent.spawn_raw, self.fleet.read_again))

    def _closed(self, listener: str, host: str) -> None:
        self._acceptors[listener].left_elsewhere(host)

    def _environ(self, name: str) -> dict[str, Any]:
        """What the WSGI environment says of a listener."""
        if self._listeners.host(name).startswith('unix:'):
            return {'wsgi.url_scheme': 'http', 'SERVER_NAME': '', 'SERVER_PORT': ''}
        return {'wsgi.url_scheme': 'http' if self._tls is None else 'https',
                'SERVER_NAME': in_thread(partial(socket.getfqdn, self._listeners.host(name))),
                'SERVER_PORT': str(self._listeners.port(name))}

    def _options(self, environs: dict[str, dict[str, Any]], models: Registry) -> FrontOptions:
        settings, tokens = self._parts.settings, self._parts.access.tokens
        assert tokens is None or isinstance(tokens, TokenFile)
        return FrontOptions(
            settings.log_file, settings.log_format, settings.log_rotation, settings.log_level,
            settings.verbose, settings.access_log_exclude, settings.slow_request_s,
            settings.cors_origins, settings.forwarded_allow_ips, settings.rate_limit,
            settings.max_request_bytes, self._parts.budget.limit_bytes,
            limits_of(settings).of_one_connection(), None if self._tls is None else self._tls.files,
            None if tokens is None else tokens.listed, environs, _known(models))


def _known(models: Registry) -> list[str]:
    """Names of the models that a request may be for, those without a worker too."""
    return [*models.names, *models.parked]
