"""A server in somebody's program: a WSGI application whose models live in a thread of its own."""

from __future__ import annotations

import logging
from typing import Any

from mms.bootstrap.admission import admission_of
from mms.bootstrap.followed_folders import folders_at_start, follow
from mms.bootstrap.model_loader import ModelLoader
from mms.bootstrap.opening import Opener, look_for_gpus
from mms.bootstrap.parts import Parts
from mms.bootstrap.watching import look_at_start, watch
from mms.bootstrap.worker_user import identity_of
from mms.event_loop.uninterrupted import UninterruptedExitStack
from mms.serving.embedding import (
    Embedded,
    LoopThread,
    ThreadedHealth,
    ThreadedMetrics,
    ThreadedModels,
)
from mms.serving.gauges import Gauges
from mms.serving.server_state import ServerState

# Requests that are still in flight this long after an application is closed are given up.
DRAIN_TIMEOUT_S = 60.0

logger = logging.getLogger(__name__)


def load_app(parts: Parts) -> tuple[Any, Embedded]:
    """Load the models; a WSGI application that serves them, and what ends it.

    Raises
    ------
    StartupError
        The models could not be loaded; nothing of them is left.
    """
    # The server itself does without Flask.
    from mms.frontend.flask_app import create_app

    settings = parts.settings
    with UninterruptedExitStack() as undo:
        log = parts.start_log()
        undo.callback(log.end)
        parts.read_tokens(undo)
        if settings.management_port is not None:
            logger.warning('%s has no effect in an embedding program: models come and go through '
                           'a server of its own.', settings.said('management_port'))
        if settings.front_processes is not None:
            logger.warning('%s has no effect in an embedding program: its own server speaks HTTP.',
                           settings.said('front_processes'))
        if settings.tls_cert is not None:
            logger.warning('%s has no effect in an embedding program, which has ports and TLS of '
                           'its own.', settings.said('tls_cert'))
        identity = identity_of(settings)
        visible_gpus = look_for_gpus(settings, identity)
        at_start, followed = look_at_start(parts), folders_at_start(parts)
        admission = admission_of(parts, undo)
        opener = Opener(undo, identity.gid, admission)
        loop = LoopThread()
        undo.callback(loop.stop)
        loop.call(parts.loop_probe.start)
        undo.callback(loop.call, parts.loop_probe.stop)
        launcher = loop.call(lambda: parts.launcher(identity))
        undo.callback(loop.call, launcher.stop)
        opened = parts.open(opener)
        local = loop.call(lambda: parts.registry(visible_gpus, identity, launcher))
        gauges = loop.call(lambda: Gauges(local, parts.health.report))
        parts.exposition.watch(lambda: loop.call(gauges.look), lambda: None)
        loop.run(lambda: local.start(opened))
        undo.callback(loop.call, local.stop)
        loader = ModelLoader(opener, local)
        loop.run(lambda: watch(parts, at_start, local, loader, undo, loop.call, admission))
        loop.run(lambda: follow(parts, followed, local, loader, undo, loop.call))
        metrics = loop.call(lambda: parts.metrics(local))
        loop.call(metrics.start)
        undo.callback(loop.call, metrics.stop)
        models = ThreadedModels(local, loop)
        app = create_app(parts.app_name, parts.application(
            models, ThreadedMetrics(metrics, loop), settings.port,
            monitor=ThreadedHealth(parts.health, loop)))
        log.begin()
        parts.lifecycle.turn_to(ServerState.SERVING)
        embedded = Embedded(models, undo.pop_all(), parts.lifecycle)
    parts.log_started(settings.host, settings.port)
    log.started()
    return app, embedded
