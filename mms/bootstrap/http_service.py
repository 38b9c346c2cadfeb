"""A server on a socket of its own: loaded, announced, and drained when it is told to stop."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Optional

import gevent

from mms.bootstrap.admission import admission_of
from mms.bootstrap.buffers import shared_budget
from mms.bootstrap.exposure import warn_of_exposure
from mms.bootstrap.followed_folders import folders_at_start, follow
from mms.bootstrap.front_processes import FrontProcesses, start_fronts
from mms.bootstrap.http_limits import limits_of, warn_of_limits
from mms.bootstrap.listeners import MAIN, NAMES, Listeners, bind_main
from mms.bootstrap.management_listener import MANAGEMENT, ManagementListener
from mms.bootstrap.metrics_listener import METRICS, bind_metrics, listen_metrics
from mms.bootstrap.model_loader import ModelLoader
from mms.bootstrap.opening import Opener, look_for_gpus
from mms.bootstrap.parts import Parts, signatures
from mms.bootstrap.reloading import Reloading
from mms.bootstrap.shutdown import Shutdown
from mms.bootstrap.tls import follow_tls, load_tls
from mms.bootstrap.watching import look_at_start, watch
from mms.bootstrap.worker_user import identity_of
from mms.config.settings import Settings
from mms.event_loop.guard import GuardedLoop
from mms.event_loop.in_thread import in_thread
from mms.event_loop.uninterrupted import UninterruptedExitStack
from mms.event_loop.yielding import yield_if_due
from mms.frontend.console.addresses import page_address
from mms.frontend.middleware import GiveWay
from mms.log.setup import FrontLog
from mms.runtime.resources import raise_file_limit
from mms.runtime.service_manager import PassedSockets, ServiceManager
from mms.runtime.signals import SignalRequests
from mms.runtime.streams import terminal_width
from mms.serving.gauges import Gauges
from mms.serving.registry import Registry
from mms.serving.server_state import ServerState
from mms.terminal.announce import announcement
from mms.terminal.progress import loading_bar

logger = logging.getLogger(__name__)

# Listener -> the flag that opens it, and settings that are of no use without it.
_NEED_PORT = {
    MAIN: ('--port', ('host',)),
    MANAGEMENT: ('--management-port', ('management_host', 'management_token', 'model_store')),
    METRICS: ('--metrics-port', ('metrics_host',)),
}
# What a terminal that is not read has not taken is tried again so often.
_WRITE_PENDING_S = 0.5


def _nothing(*_: object) -> None:
    """Do nothing."""


def serve(parts: Parts, signals: SignalRequests) -> None:
    """Serve until it is to stop, and finish the requests in flight.

    Raises
    ------
    StartupError
        The server could not start; nothing of it is left.
    """
    settings = parts.settings
    raise_file_limit()
    shutdown = Shutdown(settings.drain_delay_s, settings.shutdown_timeout_s, signals.hurry)
    with UninterruptedExitStack() as undo:
        undo.callback(shutdown.over)
        parts.budget = shared_budget(settings, parts.budget, undo)
        manager, passed = ServiceManager(), PassedSockets(NAMES)
        # Before a port is taken: a certificate that cannot be used is told at once.
        tls = load_tls(settings)
        listeners = Listeners(parts.budget, undo, passed, settings.reuse_port, tls,
                              limits_of(settings), parts.server_metrics.refusals)
        main = bind_main(listeners, settings)
        host, port = listeners.host(main[0]), listeners.port(main[0])
        management = None
        if settings.management_port is not None or listeners.is_passed(MANAGEMENT):
            management = ManagementListener(parts, listeners, undo, page_address(
                host if listeners.is_kept_open(MAIN) else settings.host, port, settings.scheme))
        metrics_port = bind_metrics(listeners, settings)
        log = parts.start_log(in_background=True)
        _warn_of_no_effect(settings, listeners)
        parts.read_tokens(undo)
        warn_of_exposure([listeners.host(name) for name in (MAIN, METRICS)
                          if listeners.is_bound(name)], settings)
        warn_of_limits(settings)
        fronts = start_fronts(parts, listeners, tls, undo)
        parts.loop_probe.start()
        undo.callback(parts.loop_probe.stop)
        if tls is not None:
            follow_tls(parts, tls, undo)

        def listen_while_loading(models: Registry, loader: ModelLoader) -> None:
            listen_metrics(parts, listeners, metrics_port)
            if management:
                management.listen(models, loader)

        models = load_models(parts, undo, listen_while_loading)
        metrics = parts.metrics(models)
        metrics.start()
        undo.callback(metrics.stop)
        application = parts.application(models, metrics, port, GiveWay())
        if fronts:
            fronts.open(main, models, application, metrics)
        else:
            for name in main:
                listeners.listen(name, application, settings.cors_origins)
        log.begin()
        undo.callback(GuardedLoop('the log on the terminal', partial(_write_pending, log)).kill)
        signals.begin_serving()
        parts.lifecycle.turn_to(ServerState.SERVING)
        if port and not listeners.is_kept_open(MAIN):
            # As it was asked for.
            host = settings.host
        also = [listeners.host(name) for name in main[1:]]
        parts.log_started(host, port, *also)
        announced = announcement(signatures(models), host, port, models.untried,
                                 settings.scheme, settings.auth_token_file is not None,
                                 {model.name: model.workers.size.workers
                                  for model in models.models}, terminal_width(sys.stdout),
                                 settings.console)
        log.announce([*announced, *([''] if also else []), *(f'Also at {each}' for each in also),
                      *(['', f'Management at {management.announcement}'] if management else [])])
        reloading = Reloading(signals, partial(_reopen, log, fronts), parts.on_reload, manager,
                              announced[0])
        undo.callback(GuardedLoop('files that are read again', reloading.turn).kill)
        manager.ready(announced[0])
        signals.stop.wait()
        parts.lifecycle.turn_to(ServerState.DRAINING)
        manager.stopping()
        shutdown.run(listeners, models)
        logger.info('Service stopped.')


def load_models(parts: Parts, undo: ExitStack,
                on_made: Callable[[Registry, ModelLoader], None] = _nothing) -> Registry:
    """The models, loaded; with a bar on a terminal.

    Parameters
    ----------
    on_made
        Called before any is loaded, with what will have them, and what loads more of them later.

    Raises
    ------
    StartupError
    """
    # Before models are fetched: a GPU that is not there, or fails, is told at once.
    identity = identity_of(parts.settings)
    launcher = parts.launcher(identity)
    undo.callback(launcher.stop)
    models = parts.registry(look_for_gpus(parts.settings, identity), identity, launcher)
    at_start, followed = look_at_start(parts), folders_at_start(parts)
    parts.exposition.watch(Gauges(models, parts.health.report).look, yield_if_due)
    admission = admission_of(parts, undo)
    opener = Opener(undo, identity.gid, admission)
    loader = ModelLoader(opener, models)
    on_made(models, loader)
    opened = parts.open(opener)
    undo.callback(models.stop)
    with loading_bar([one.name for one in opened]) as on_ready:
        models.start(opened, on_ready)
    watch(parts, at_start, models, loader, undo, admission=admission)
    follow(parts, followed, models, loader, undo)
    undo.callback(GuardedLoop('the health of the server', parts.health.turn).kill)
    return models


def _warn_of_no_effect(settings: Settings, listeners: Listeners) -> None:
    for name, (flag, needed) in _NEED_PORT.items():
        for setting in needed:
            if setting in settings.sources and not listeners.is_bound(name):
                logger.warning('%s has no effect without %s.', settings.said(setting), flag)


def _reopen(log: FrontLog, fronts: Optional[FrontProcesses]) -> None:
    in_thread(log.reopen)
    if fronts:
        fronts.reopen_logs()


def _write_pending(log: FrontLog) -> None:
    """Write the log to a terminal that is read again after a while."""
    gevent.sleep(_WRITE_PENDING_S)
    log.write_pending()
