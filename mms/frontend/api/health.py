"""Whether the server and its models can answer: ``/ping``, and ``/health/...`` for probes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Callable, Protocol

from mms.frontend.access.scopes import OPEN
from mms.frontend.api.operations import health as operations
from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route, json_response
from mms.frontend.predictor import Models
from mms.serving.readiness import ModelHealth, ServerHealth

logger = logging.getLogger(__name__)

Sees = Callable[[HTTPRequest], bool]

LIVE, READY, STARTUP = '/health/live', '/health/ready', '/health/startup'
# The state of a model that is required and not there.
MISSING = 'missing'


class Health:
    """The endpoint for load balancers and orchestrators."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def ping(self, request: HTTPRequest) -> HTTPResponse:
        """Healthy, or 503 while a model cannot answer; the log says which, and why."""
        sick = self._models.ill_health()
        for name, reason in sick.items():
            logger.error('Model %s is unhealthy: %s', name, reason)
        if sick:
            return json_response(503, {'health': 'unhealthy!'})
        return json_response(200, {'health': 'healthy!'})


class Monitor(Protocol):
    """Who knows of the server's health; nothing here waits longer than a moment."""

    @property
    def has_started(self) -> bool:
        """Whether the models of the start were loaded."""

    def report(self) -> ServerHealth:
        """How the server and its models are."""


def everybody(request: HTTPRequest) -> bool:
    """Where no token is asked for, all is told to everybody."""
    return True


class Probes:
    """The endpoints for probes, as Kubernetes has them.

    Parameters
    ----------
    monitor
        Who knows of the health.
    sees_all
        Whether a request is told all of it; others are told states, but neither names nor reasons,
        which may have paths.
    """

    def __init__(self, monitor: Monitor, sees_all: Sees = everybody) -> None:
        self._monitor = monitor
        self._sees_all = sees_all

    def live(self, request: HTTPRequest) -> HTTPResponse:
        """200: who answers is alive."""
        return _uncached(200, {'status': 'live'})

    def startup(self, request: HTTPRequest) -> HTTPResponse:
        """200, or 503 until the models of the start are loaded."""
        if self._monitor.has_started:
            return _uncached(200, {'status': 'started'})
        return _uncached(503, {'status': 'starting'})

    def ready(self, request: HTTPRequest) -> HTTPResponse:
        """200, or 503 while the server had better get no requests; with each model's health."""
        found = self._monitor.report()
        told = _described if self._sees_all(request) else _states
        return _uncached(503 if found.reason else 200, told(found))


def health_routes(monitor: Monitor, sees_all: Sees = everybody) -> list[Route]:
    """The probes' endpoints, for the table of any listener; none needs a token."""
    probes = Probes(monitor, sees_all)
    return [Route(('GET',), LIVE, probes.live, scopes=OPEN, told=operations.LIVE),
            Route(('GET',), READY, probes.ready, scopes=OPEN, told=operations.READY),
            Route(('GET',), STARTUP, probes.startup, scopes=OPEN, told=operations.STARTUP)]


def _states(found: ServerHealth) -> dict[str, Any]:
    """How many models are in which state."""
    known = {model.name for model in found.models}
    states = Counter(model.state.value for model in found.models)
    states[MISSING] += sum(name not in known for name in found.missing)
    return {'status': _status(found), 'server': found.state.value,
            'since': _rfc3339(found.since_s), 'states': dict(+states)}


def _status(found: ServerHealth) -> str:
    return 'not ready' if found.reason else 'ready'


def _described(found: ServerHealth) -> dict[str, Any]:
    models: dict[str, Any] = {model.name: _model(model) for model in found.models}
    for name in found.missing:
        models.setdefault(name, {'state': MISSING, 'required': True, 'workers': {}})
    return {'status': _status(found),
            **({'reason': found.reason} if found.reason else {}),
            'server': found.state.value, 'since': _rfc3339(found.since_s), 'models': models,
            **({'remarks': list(found.remarks)} if found.remarks else {})}


def _model(model: ModelHealth) -> dict[str, Any]:
    return {'state': model.state.value, 'since': _rfc3339(model.since_s),
            **({'reason': model.reason} if model.reason else {}),
            'required': model.is_required, 'workers': dict(model.workers)}


def _uncached(status: int, value: Mapping[str, Any]) -> HTTPResponse:
    response = json_response(status, value)
    response.headers.append(('Cache-Control', 'no-store'))
    return response


def _rfc3339(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')
