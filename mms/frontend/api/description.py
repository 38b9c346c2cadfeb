"""The Swagger document of the models that are served now: ``GET /api-description``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from mms.frontend.exchange import HTTPRequest, HTTPResponse, json_text, text_response
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
        self._revision, self._text = models.revision, self._written()

    def describe(self, request: HTTPRequest) -> HTTPResponse:
        """The document."""
        # Read first: of models that change meanwhile the document is written again.
        revision = self._models.revision
        if revision != self._revision:
            self._text = self._written()
            self._revision = revision
        return text_response(200, JSON, self._text)

    def _written(self) -> str:
        return json_text({'description': self._describe()})
