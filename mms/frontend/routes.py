"""The one table of all endpoints: a new one is an entry here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from mms.frontend.api.classic import Predictions
from mms.frontend.api.description import Description
from mms.frontend.api.health import Health, Monitor, health_routes
from mms.frontend.exchange import Route
from mms.frontend.predictor import Predictor
from mms.ipc.messages import CLASSIC


def routes(predictor: Predictor, describe: Callable[[], Mapping[str, Any]],
           monitor: Monitor) -> list[Route]:
    """Every endpoint.

    Parameters
    ----------
    predictor
        Of the models.
    describe
        Makes the Swagger document of the models that are served now.
    monitor
        Who knows of the server's health.
    """
    models = predictor.models
    ping = Health(models).ping
    return [
        Route(('POST',), '/<model>/predict', Predictions(predictor).predict, 'Prediction',
              protocol=CLASSIC),
        Route(('GET',), '/ping', ping, 'Ping'),
        Route(('GET',), '/', ping, 'Ping'),
        Route(('GET',), '/api-description', Description(models, describe).describe,
              'APIDescription'),
        *health_routes(monitor),
    ]
