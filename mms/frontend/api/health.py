"""Whether the server and its models can answer: ``/ping``, and ``/health/...`` for probes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Protocol

from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route, json_response
from mms.frontend.predictor import Models
from mms.serving.readiness import ModelHealth, ServerHealth

logger = logging.getLogger(__name__)

LIVE, READY, STARTUP = '/health/live', '/health/ready', '/health/startup'


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


class Probes:
    """The endpoints for probes, as Kubernetes has them.

    Parameters
    ----------
    monitor
        Who knows of the health.
    """

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

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
        return _uncached(503 if found.reason else 200, _described(found))


def health_routes(monitor: Monitor) -> list[Route]:
    """The probes' endpoints, for the table of any listener; none needs a token."""
    probes = Probes(monitor)
    return [Route(('GET',), LIVE, probes.live),
            Route(('GET',), READY, probes.ready),
            Route(('GET',), STARTUP, probes.startup)]


def _described(found: ServerHealth) -> dict[str, Any]:
    models: dict[str, Any] = {model.name: _model(model) for model in found.models}
    for name in found.missing:
        models.setdefault(name, {'state': 'missing', 'required': True, 'workers': {}})
    return {'status': 'not ready' if found.reason else 'ready',
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
