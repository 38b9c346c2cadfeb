"""Predictions as SageMaker asks for them: ``POST /invocations``, of the model that it names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional
from urllib.parse import parse_qs

from mms.errors import BadRequest, ModelNotFound, RequestError
from mms.frontend.api.classic import Predictions
from mms.frontend.exchange import HTTPRequest, HTTPResponse, decoded
from mms.frontend.predictor import Models

TARGET_HEADER = 'X-Amzn-SageMaker-Target-Model'
# MMS 1.x has it in the query.
TARGET_PARAMETER = 'model_name'
_TARGET_KEY = f'HTTP_{TARGET_HEADER.upper().replace("-", "_")}'
# A target is the file of a model's archive.
_ENDINGS = ('', '.tar.gz', '.model')
# Enough to recognise a name by.
_SHOWN_CHARACTERS = 100


class Invocations:
    """The endpoint whose path names no model.

    Parameters
    ----------
    models
        Those that are served.
    predictions
        Answer once it is known for which model a request is.
    """

    def __init__(self, models: Models, predictions: Predictions) -> None:
        self._models = models
        self._predictions = predictions

    def model_of(self, request: HTTPRequest) -> Optional[str]:
        """Name of the model that is asked: the one that the request names, else the only one."""
        target = _target(request)
        if target:
            return next((name for end in _ENDINGS if target.endswith(end)
                         and (name := target[:len(target) - len(end)]) in self._models), None)
        names = self._names()
        return names[0] if len(names) == 1 else None

    def predict(self, request: HTTPRequest) -> HTTPResponse:
        """Answer with what the model's worker has written.

        Raises
        ------
        BadRequest
            Several models are served, and it names none.
        ModelNotFound
            There is none of the name, or none at all.
        RequestError, ClientDisconnected
        """
        if request.model is None:
            raise self._unknown(_target(request))
        return self._predictions.predict(request)

    def _unknown(self, target: str) -> RequestError:
        if target:
            shown = target[:_SHOWN_CHARACTERS]
            return ModelNotFound(f'No model {shown} is served ({TARGET_HEADER}): '
                                 'GET /api-description lists those that are.')
        count = len(self._names())
        if not count:
            return ModelNotFound('No model is served.')
        return BadRequest(f'{count} models are served: name one of them in the header '
                          f'{TARGET_HEADER}. GET /api-description lists them.')

    def _names(self) -> Sequence[str]:
        """Those without a worker are meant as well as the others."""
        return [*self._models.names, *self._models.unloaded]


def _target(request: HTTPRequest) -> str:
    """What a request says of its model; empty where that is nothing."""
    environ = request.environ
    named: str = environ.get(_TARGET_KEY, '')
    if named:
        return decoded(named.strip(' \t'))
    query: str = environ.get('QUERY_STRING', '')
    if TARGET_PARAMETER not in query:
        return ''
    return parse_qs(query).get(TARGET_PARAMETER, [''])[0]
