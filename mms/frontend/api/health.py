"""Whether the models can answer: ``GET /ping``."""

from __future__ import annotations

import logging

from mms.frontend.exchange import HTTPRequest, HTTPResponse, json_response
from mms.frontend.predictor import Models

logger = logging.getLogger(__name__)


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
