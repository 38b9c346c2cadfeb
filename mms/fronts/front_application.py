"""The WSGI application of a front: predictions are asked for here, all else is passed on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Callable

from werkzeug.exceptions import HTTPException

from mms.errors import RequestError
from mms.frontend.api.inference_v2_repository import MOST_BODY_BYTES, REPOSITORY
from mms.frontend.application import Application
from mms.frontend.error_form import error_value, is_v2
from mms.frontend.exchange import decoded, json_response, status_line
from mms.frontend.http.body import read_body
from mms.fronts.remote_models import RemoteModels
from mms.ipc.request import Body
from mms.runtime.byte_budget import ByteBudget, ChunkedBuffer


class FrontApplication:
    """Answers WSGI requests.

    Parameters
    ----------
    predictions
        Answers those for models.
    models
        Of the server, which answers all others.
    budget
        Where bodies count that are passed on.
    """

    def __init__(self, predictions: Application, models: RemoteModels,
                 budget: ByteBudget) -> None:
        self._predictions = predictions
        self._models = models
        self._budget = budget

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> \
            Iterable[Body]:
        """Answer one request."""
        if self._is_prediction(environ):
            return self._predictions(environ, start_response)
        try:
            response = self._models.forward(*_with_body(environ, self._budget))
        except RequestError as error:
            refused = json_response(error.status, error_value(
                is_v2(environ.get('PATH_INFO', '')), error.status, error.type, str(error)))
            start_response(status_line(error.status), refused.headers)
            return refused.body
        if response is None:
            return self._predictions(environ, start_response)
        start_response(response.status, response.headers)
        return response.body.consume()

    def _is_prediction(self, environ: dict[str, Any]) -> bool:
        path: str = environ.get('PATH_INFO', '')
        if environ['REQUEST_METHOD'] != 'POST' or path[:1] != '/' or path[1:2] == '/':
            return False
        return self._predictions.table.find(decoded(path), 'POST')[0] is not None


def _with_body(environ: dict[str, Any],
               budget: ByteBudget) -> tuple[dict[str, Any], ChunkedBuffer]:
    """What is passed on: most of what is asked there has no body.

    One that cannot be read is not passed on either, and the server refuses it by its length.
    """
    body = ChunkedBuffer(budget)
    if not environ.get('PATH_INFO', '').startswith(REPOSITORY):
        return environ, body
    length = MOST_BODY_BYTES + 1
    with suppress(RequestError, HTTPException):
        body = read_body(environ, MOST_BODY_BYTES, budget)
        length = len(body)
    told = {name: value for name, value in environ.items() if name != 'HTTP_TRANSFER_ENCODING'}
    return {**told, 'CONTENT_LENGTH': str(length)}, body
