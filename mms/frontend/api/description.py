"""The Swagger document of the models that are served now: ``GET /api-description``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from mms.frontend.api.latest import Latest
from mms.frontend.exchange import HTTPRequest, HTTPResponse, json_text, text_response
from mms.frontend.forwarded import FORWARDED
from mms.frontend.predictor import Models
from mms.ipc.request import JSON


class Description:
    """The endpoint of the document, which is written anew when the models have changed.

    Parameters
    ----------
    describe
        Makes the document.
    """

    def __init__(self, models: Models, describe: Callable[[], Mapping[str, Any]]) -> None:
        self._describe = describe
        self._latest = Latest(models, self._described)
        # Rather at the start than while a client waits.
        self._latest.get()

    def describe(self, request: HTTPRequest) -> HTTPResponse:
        """The document; to a client behind a trusted proxy, with the address that it knows."""
        document, text = self._latest.get()
        environ = request.environ
        if FORWARDED not in environ:
            return text_response(200, JSON, text)
        return text_response(200, JSON, _written({
            **document, 'schemes': [environ['wsgi.url_scheme']],
            'host': environ.get('HTTP_HOST') or document['host']}))

    def _described(self) -> tuple[Mapping[str, Any], str]:
        document = self._describe()
        return document, _written(document)


def _written(document: Mapping[str, Any]) -> str:
    return json_text({'description': document})
