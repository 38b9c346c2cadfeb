"""The parts of a server, however it is run: on a socket of its own, or in somebody's program."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, Callable, Optional, Protocol

from mms.archive.location import Location
from mms.archive.reader import LoadedModel
from mms.bootstrap.buffers import budget_of
from mms.bootstrap.opening import Opener, check_service_file
from mms.config.settings import Settings
from mms.devices.device import VisibleGPUs
from mms.errors import ModelNotFound
from mms.event_loop.in_thread import in_thread
from mms.event_loop.loop_probe import LoopProbe
from mms.frontend.access.control import Access
from mms.frontend.access.token_file import TokenFile, scoped_tokens
from mms.frontend.access_log import AccessLog
from mms.frontend.address import host_and_port
from mms.frontend.api.health import Monitor
from mms.frontend.api.metrics import metrics_routes
from mms.frontend.api.openapi import OpenAPI, predictions_api
from mms.frontend.api.swagger import describe
from mms.frontend.application import Application
from mms.frontend.chain import Middleware
from mms.frontend.console.live import Live, Watched
from mms.frontend.console.pages import Pages
from mms.frontend.console.routes import console_routes
from mms.frontend.docs.page import DocsPage
from mms.frontend.exchange import Route
from mms.frontend.predictor import Models, Predictor, RequestCounts
from mms.frontend.rate_limiting import RateLimiting
from mms.frontend.routes import Told, routes
from mms.frontend.routing import Table
from mms.frontend.stack import stack
from mms.log.brief_start import ALWAYS, IF_ROOM
from mms.log.setup import JSON, FrontLog
from mms.metrics import Metrics, make_sink
from mms.metrics.exposition import Exposition
from mms.metrics.model_tally import ModelSummary, ModelTally
from mms.metrics.server_metrics import ServerMetrics
from mms.pool.launcher import Launcher
from mms.runtime.container import in_container
from mms.runtime.file_changes import FileChanges
from mms.runtime.model_identity import Identity
from mms.serving.events import Change, Event
from mms.serving.gauges import STATES, WORKER_STATES
from mms.serving.health_monitor import HealthMonitor
from mms.serving.model_factory import OpenedModel
from mms.serving.registry import Registry
from mms.serving.server_state import ServerLifecycle

logger = logging.getLogger(__name__)


class Parts:
    """Makes the parts of one server.

    Parameters
    ----------
    app_name
        Import name of the Flask application.
    settings
        What was asked for.
    given
        The models, opened; None to open those of the settings.

    Attributes
    ----------
    app_name, settings
        As given.
    lifecycle
        The state of the server.
    budget
        Where all bodies and answers count that are held.
    server_metrics
        What Prometheus is told of.
    exposition
        Tells it.
    loop_probe
        Measures for how long the event loop attends to nobody, once it is started.
    log
        The log, once it is started.
    on_reload
        What is called, in turn, when the server is told to read its files again (SIGHUP); each
        logs what it cannot read, and goes on with what it has.
    health
        Who knows of the server's health, once there is a registry.
    access_log
        Where each answer leaves a line.
    access
        Who may ask; everybody, until the tokens are read.
    limiting
        How often each client may ask; None for any number of times.
    management_page
        Where the console of the management port is, in parts; None where there is none.
    after_reading
        What is called, in whichever thread, when a file was read again.
    """

    health: HealthMonitor

    def __init__(self, app_name: str, settings: Settings,
                 given: Optional[Sequence[LoadedModel]]) -> None:
        self.app_name = app_name
        self.settings = settings
        self.lifecycle = ServerLifecycle()
        self.budget = budget_of(settings)
        self.server_metrics = ServerMetrics()
        self.loop_probe = LoopProbe(self.server_metrics.blocked)
        self.exposition = Exposition(self.server_metrics, STATES, WORKER_STATES)
        self.log: Optional[FrontLog] = None
        self.on_reload: list[Callable[[], None]] = []
        self.access_log = AccessLog(settings.access_log_exclude, settings.slow_request_s,
                                    settings.log_format == JSON)
        self.access = Access(None, settings.cors_origins, self.server_metrics.refusals)
        self.limiting = RateLimiting(settings.rate_limit, self.server_metrics.refusals) \
            if settings.rate_limit else None
        self.management_page: Optional[Mapping[str, Any]] = None
        self.after_reading: list[Callable[[], None]] = []
        self._given = given

    @property
    def has_given_models(self) -> bool:
        """Whether the models were opened by somebody else."""
        return self._given is not None

    def start_log(self, in_background: bool = False) -> FrontLog:
        """Log from now on; see :class:`FrontLog`."""
        settings = self.settings
        self.log = FrontLog(settings.log_file, settings.log_rotation, settings.log_level,
                            settings.said('log_file'), settings.log_format, settings.verbose,
                            in_background)
        for advice in settings.advice:
            logger.warning('%s', advice)
        return self.log

    def read_tokens(self, undo: ExitStack) -> None:
        """Ask for the tokens of the settings' file from now on, if there is one.

        Raises
        ------
        UsageError
            It cannot be used.
        """
        path = self.settings.auth_token_file
        if path is not None:
            tokens = TokenFile(path, self.settings.said('auth_token_file'), scoped_tokens)
            self.access = Access(tokens, self.settings.cors_origins,
                                 self.server_metrics.refusals)
            self.read_again([path], tokens.reload, undo)

    def read_again(self, paths: Sequence[str], read: Callable[[], None],
                   undo: ExitStack) -> None:
        """Call `read`, in a thread, when the server is told to read its files again (SIGHUP), and
        when any of these has changed.

        Parameters
        ----------
        read
            Logs what it cannot read, and goes on with what it has.
        undo
            Ends this.
        """
        reading = threading.Lock()

        def read_in_turn() -> None:
            # What was read earlier takes the place of nothing newer.
            with reading:
                read()
            for told in self.after_reading:
                told()

        self.on_reload.append(lambda: in_thread(read_in_turn))
        undo.callback(FileChanges(paths, read_in_turn).stop)

    def open(self, opener: Opener) -> list[OpenedModel]:
        """The archives of the models, opened.

        Raises
        ------
        StartupError
        """
        settings = self.settings
        if settings.service is not None:
            check_service_file(settings.service, settings.said('service'))
        locations = {name: Location.parse(text) for name, text in settings.models.items()}
        if self._given is None:
            return opener.open(locations)
        return [OpenedModel(model, _listed(locations.get(model.service_name)))
                for model in self._given]

    def launcher(self, identity: Identity) -> Launcher:
        """What forks the processes of models; it begins, unless they are all on devices."""
        launcher, settings = Launcher(identity), self.settings
        if not settings.models or not all(
                settings.devices_of(name).said for name in settings.models):
            launcher.begin()
        return launcher

    def registry(self, visible_gpus: VisibleGPUs, identity: Identity,
                 launcher: Launcher) -> Registry:
        """The models, none of them loaded."""
        models = Registry(self.settings, visible_gpus, self.budget, self.server_metrics,
                          identity, launcher)
        models.subscribe(partial(_follow, self.server_metrics))
        self.health = HealthMonitor(models, self.lifecycle, self.settings.required)
        return models

    def metrics(self, models: Registry) -> Metrics:
        """The metrics of the models that there are, and that come."""
        metrics = Metrics(models.names, make_sink(self.settings.metrics_write_to, 'metrics'))

        models.subscribe(partial(_follow, metrics))
        return metrics

    def application(self, models: Models, metrics: RequestCounts, port: int,
                    *more: Middleware, monitor: Optional[Monitor] = None) -> Application:
        """The WSGI application; `more` is within its other middleware."""
        settings = self.settings
        predictor = Predictor(models, metrics, settings.max_request_bytes, self.budget)
        monitor = monitor or self.health
        openapi = OpenAPI(models, lambda: table.routes, lambda: signatures(models),
                          predictions_api(settings.auth_token_file is not None))
        table = Table([*routes(predictor, lambda: self.description(models, port), monitor,
                               self.access.sees_all,
                               Told(self.tally, lambda: models.unloaded)),
                       *metrics_routes(self.exposition), *openapi.routes(),
                       *DocsPage().routes(), *self._console(models, monitor)], models)
        return Application(table, stack(
            metrics, self.server_metrics, self.access_log, settings.cors_origins, self.access,
            self.limiting, *more), settings.forwarded_allow_ips)

    def _console(self, models: Models, monitor: Monitor) -> Sequence[Route]:
        """The endpoints of the console, where there is to be one."""
        if not self.settings.console:
            return ()
        watched = Watched(models, monitor, self.exposition, self.server_metrics)
        return console_routes(Pages(lambda: {'port': 'models'}),
                              Live(watched, lambda: self.management_page))

    def summary(self, model: str) -> ModelSummary:
        """What a person wants to know of a model's requests."""
        self.exposition.catch_up()
        return self.server_metrics.summary(model)

    def tally(self, model: str) -> ModelTally:
        """What was counted of a model's requests, all of it."""
        self.exposition.catch_up()
        return self.server_metrics.tally(model)

    def description(self, models: Models, port: int) -> dict[str, Any]:
        """The Swagger document."""
        return describe(signatures(models), self.settings.host, port,
                        self.settings.scheme, self.settings.auth_token_file is not None)

    def log_started(self, host: str, port: int, *sockets: str) -> None:
        """What people's tools look for in the log; `sockets` are there beside the port."""
        if self.log and not self.log.is_standard_output and in_container(os.environ):
            logger.info('This is a container, and the log file %s goes with it: --log-file - '
                        'writes the log to standard output.', self.settings.log_file,
                        extra=IF_ROOM)
        logger.info('Service started successfully.', extra=ALWAYS)
        for address in (host_and_port(host, port), *(host_and_port(each, 0) for each in sockets)):
            logger.info('Service description endpoint: %s/api-description', address, extra=ALWAYS)
            logger.info('Service health endpoint: %s/ping', address, extra=ALWAYS)
        if self.settings.console and port:
            logger.info('Service console: %s/console', host_and_port(host, port), extra=IF_ROOM)


def _listed(location: Optional[Location]) -> str:
    return 'its archive' if location is None else location.listed


class _ByModel(Protocol):
    """Whoever has to know which models there are."""

    def add_model(self, model: str) -> None:
        """One has come, or is there still."""

    def remove_model(self, model: str) -> None:
        """One has gone."""


def _follow(follower: _ByModel, event: Event) -> None:
    if event.change in (Change.ADDED, Change.PARKED):
        follower.add_model(event.name)
    elif event.change is Change.REMOVED:
        follower.remove_model(event.name)


def signatures(models: Models) -> dict[str, Any]:
    """Endpoint name -> live signature."""
    found = {}
    for name in models.names:
        # Where another thread has the models, one may have gone meanwhile.
        with suppress(ModelNotFound):
            found[name] = models.signature(name)
    return found
