"""The one table of all endpoints: a new one is an entry here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

from mms.frontend.access.scopes import ANY, OPEN, PREDICT
from mms.frontend.api.classic import Predictions
from mms.frontend.api.description import Description
from mms.frontend.api.health import Health, Monitor, Sees, everybody, health_routes
from mms.frontend.api.inference_v2 import inference_routes
from mms.frontend.api.inference_v2_models import Known, model_routes
from mms.frontend.api.inference_v2_repository import Repository, repository_routes
from mms.frontend.api.inference_v2_statistics import Tally, statistics_routes
from mms.frontend.api.invocations import Invocations
from mms.frontend.api.operations.any_model import OF_SAGEMAKER
from mms.frontend.api.operations.documents import DESCRIPTION
from mms.frontend.api.operations.health import PING, ROOT
from mms.frontend.api.operations.prediction import predict, predict_plain
from mms.frontend.exchange import Route
from mms.frontend.openapi.operation import ForEachModel
from mms.frontend.predictor import Predictor
from mms.ipc.request import CLASSIC
from mms.metrics.model_tally import ModelTally


class Told(NamedTuple):
    """What there is to be told of models beside how they are.

    Attributes
    ----------
    tally
        What was counted of one, all of it.
    unloaded
        Names of those that have no workers.
    """

    tally: Tally = lambda name: ModelTally()
    unloaded: Callable[[], Sequence[str]] = tuple


NOTHING = Told()


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
        *inference_routes(predictor),
    ]


def routes(predictor: Predictor, describe: Callable[[], Mapping[str, Any]],
           monitor: Monitor, sees_all: Sees = everybody, told: Told = NOTHING) -> list[Route]:
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
    told
        What there is to be told of models beside how they are.
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
        *model_routes(Known(models, monitor), ANY),
        *statistics_routes(models, told.tally, ANY),
        *repository_routes(Repository(monitor, told.unloaded, predictor.budget), ANY),
    ]
