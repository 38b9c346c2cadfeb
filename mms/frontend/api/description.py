"""The Swagger document of the models that are served now: ``GET /api-description``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from mms.frontend.exchange import HTTPRequest, HTTPResponse, json_text, text_response
from mms.frontend.forwarded import FORWARDED
from mms.frontend.predictor import Models
from mms.ipc.messages import JSON


class Description:
    """The endpoint of the document, which is written anew when the models have changed.

    Parameters
    ----------
    describe
        Makes the document.
    """

    def __init__(self, models: Models, describe: Callable[[], Mapping[str, Any]]) -> None:
        self._models = models
        self._describe = describe
        # Exchanged as one: several threads may ask.
        self._latest = self._described()

    def describe(self, request: HTTPRequest) -> HTTPResponse:
        """The document; to a client behind a trusted proxy, with the address that it knows."""
        revision, document, text = self._latest
        if revision != self._models.revision:
            _, document, text = self._latest = self._described()
        environ = request.environ
        if FORWARDED not in environ:
            return text_response(200, JSON, text)
        return text_response(200, JSON, _written({
            **document, 'schemes': [environ['wsgi.url_scheme']],
            'host': environ.get('HTTP_HOST') or document['host']}))

    def _described(self) -> tuple[int, Mapping[str, Any], str]:
        # Read first: of models that change meanwhile the document is written again.
        revision = self._models.revision
        document = self._describe()
        return revision, document, _written(document)


def _written(document: Mapping[str, Any]) -> str:
    return json_text({'description': document})
