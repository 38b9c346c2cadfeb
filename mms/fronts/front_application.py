"""The WSGI application of a front: predictions are asked for here, all else is passed on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Callable

from mms.errors import RequestError
from mms.frontend.application import Application
from mms.frontend.exchange import decoded, json_response, status_line
from mms.fronts.remote_models import RemoteModels
from mms.ipc.messages import Body


class FrontApplication:
    """Answers WSGI requests.

    Parameters
    ----------
    predictions
        Answers those for models.
    models
        Of the server, which answers all others.
    """

    def __init__(self, predictions: Application, models: RemoteModels) -> None:
        self._predictions = predictions
        self._models = models

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> \
            Iterable[Body]:
        """Answer one request."""
        if self._is_prediction(environ):
            return self._predictions(environ, start_response)
        try:
            response = self._models.forward(environ)
        except RequestError as error:
            refused = json_response(error.status, {
                'code': error.status, 'type': error.type, 'message': str(error)})
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
