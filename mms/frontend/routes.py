"""The one table of all endpoints: a new one is an entry here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from mms.frontend.access.scopes import ANY, OPEN, PREDICT
from mms.frontend.api.classic import Predictions
from mms.frontend.api.description import Description
from mms.frontend.api.health import Health, Monitor, Sees, everybody, health_routes
from mms.frontend.api.invocations import Invocations
from mms.frontend.api.operations.any_model import OF_SAGEMAKER
from mms.frontend.api.operations.documents import DESCRIPTION
from mms.frontend.api.operations.health import PING, ROOT
from mms.frontend.api.operations.prediction import predict, predict_plain
from mms.frontend.exchange import Route
from mms.frontend.openapi.operation import ForEachModel
from mms.frontend.predictor import Predictor
from mms.ipc.messages import CLASSIC


def prediction_routes(predictor: Predictor) -> list[Route]:
    """The endpoints that ask models."""
    predictions = Predictions(predictor)
    invocations = Invocations(predictor.models, predictions)
    return [
        Route(('POST',), '/<model>/predict', predictions.predict, 'Prediction',
              protocol=CLASSIC, scopes=PREDICT, told=ForEachModel(predict)),
        # As MMS 1.x and SageMaker have them.
        Route(('POST',), '/predictions/<model>', predictions.predict, 'Prediction',
              protocol=CLASSIC, scopes=PREDICT, told=ForEachModel(predict_plain)),
        Route(('POST',), '/invocations', invocations.predict, 'Prediction',
              model=invocations.model_of, protocol=CLASSIC, scopes=PREDICT, told=OF_SAGEMAKER),
    ]


def routes(predictor: Predictor, describe: Callable[[], Mapping[str, Any]],
           monitor: Monitor, sees_all: Sees = everybody) -> list[Route]:
    """Every endpoint.

    Parameters
    ----------
    predictor
        Of the models.
    describe
        Makes the Swagger document of the models that are served now.
    monitor
        Who knows of the server's health.
    sees_all
        Whether a request is told all of it.
    """
    models = predictor.models
    ping = Health(models).ping
    return [
        *prediction_routes(predictor),
        Route(('GET',), '/ping', ping, 'Ping', scopes=OPEN, told=PING),
        Route(('GET',), '/', ping, 'Ping', scopes=OPEN, told=ROOT),
        Route(('GET',), '/api-description', Description(models, describe).describe,
              'APIDescription', scopes=ANY, told=DESCRIPTION),
        *health_routes(monitor, sees_all),
    ]
