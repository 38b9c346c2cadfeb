"""The OpenAPI document of the models that are served now: ``GET /openapi.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from mms.event_loop.in_thread import in_thread
from mms.frontend.access.scopes import ANY, Scopes
from mms.frontend.api.latest import Latest
from mms.frontend.api.operations.documents import OPENAPI
from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route, text_response
from mms.frontend.openapi.document import Subject, document
from mms.frontend.openapi.refusals import TOKEN
from mms.frontend.predictor import Models
from mms.ipc.request import JSON
from mms.version import __version__

_TOLD = """What this server answers now: a model that comes or goes changes this document.

Every answer has `X-Request-Id`, by which the log of the server knows the request. Every error of
the server is JSON with a `code`, a `type` and a `message`; under `/v2`, with an `error`."""


class OpenAPI:
    """The endpoint of the document, which is written anew when the models have changed.

    Parameters
    ----------
    models
        That are served.
    routes
        All of the port.
    signatures
        Name -> live signature of a model.
    subject
        What else there is to say.
    """

    def __init__(self, models: Models, routes: Callable[[], Sequence[Route]],
                 signatures: Callable[[], Mapping[str, Any]], subject: Subject) -> None:
        self._routes = routes
        self._signatures = signatures
        self._subject = subject
        self._latest = Latest(models, self._written)

    def routes(self, scopes: Scopes = ANY) -> list[Route]:
        """The endpoint, for who has any of these."""
        return [Route(('GET',), '/openapi.json', self.answer, scopes=scopes, told=OPENAPI)]

    def answer(self, request: HTTPRequest) -> HTTPResponse:
        """The document, with the address by which the client knows the server."""
        address = json.dumps({'servers': [{'url': _origin(request)}]})
        return text_response(200, JSON, f'{address[:-1]}, {self._latest.get()[1:]}\n')

    def _written(self) -> str:
        signatures = self._signatures()
        # 0.3 ms for each model.
        return in_thread(lambda: json.dumps(document(self._routes(), signatures, self._subject)))


def _origin(request: HTTPRequest) -> str:
    """Of the URL that was asked; relative to it where the client does not say."""
    host = request.environ.get('HTTP_HOST')
    return f"{request.environ['wsgi.url_scheme']}://{host}" if host else '/'


def predictions_api(asks_for_token: bool) -> Subject:
    """The document of the port on which models are asked."""
    return Subject('MXNet Model Server', _TOLD, __version__, TOKEN if asks_for_token else ())
