"""Predictions as MMS 0.4 gives them: ``POST /<model>/predict``."""

from __future__ import annotations

from mms.errors import ModelNotFound
from mms.frontend.exchange import HTTPRequest, HTTPResponse
from mms.frontend.predictor import Predictor
from mms.ipc.messages import CLASSIC, Reply
from mms.runtime.byte_budget import ChunkedBuffer


class Predictions:
    """The endpoint of every model.

    Parameters
    ----------
    predictor
        Of the models.
    protocol
        Name of the codec that reads requests and writes replies.
    """

    def __init__(self, predictor: Predictor, protocol: str = CLASSIC) -> None:
        self._predictor = predictor
        self._protocol = protocol

    def predict(self, request: HTTPRequest) -> HTTPResponse:
        """Answer with what the model's worker has written.

        Raises
        ------
        ModelNotFound
            The request is for no model, or for one that is served no more.
        RequestError, ClientDisconnected
        """
        if request.model is None:
            raise ModelNotFound(f'{request.path} is for no model that is served.')
        return response_of(self._predictor.predict(self._protocol, request.model, request))


def response_of(reply: Reply) -> HTTPResponse:
    """A reply as it is sent; its content is forgotten piece by piece."""
    content = reply.content
    body = content.consume() if isinstance(content, ChunkedBuffer) else (content,)
    response = HTTPResponse(reply.status, reply.content_type, body, len(content))
    if reply.headers:
        response.headers += reply.headers.items()
    return response
