"""Predictions as MMS 0.4 gives them: ``POST /<model>/predict``."""

from __future__ import annotations

from mms.errors import BadRequest, ModelNotFound
from mms.frontend.exchange import HTTPRequest, HTTPResponse
from mms.frontend.predictor import Predictor
from mms.ipc.request import CLASSIC, CLASSIC_BATCH, CLASSIC_SINGLE, Reply
from mms.runtime.byte_budget import ChunkedBuffer

BATCH_HEADER = 'X-MMS-Batch'
_BATCH_KEY = f'HTTP_{BATCH_HEADER.upper().replace("-", "_")}'
_BY_BATCH = {'true': CLASSIC_BATCH, 'false': CLASSIC_SINGLE}


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
        said = request.environ.get(_BATCH_KEY)
        protocol = self._protocol if said is None else self._protocol_by(said)
        return response_of(self._predictor.predict(protocol, request.model, request))

    def _protocol_by(self, said: str) -> str:
        """By what the header says of how many entries a request has."""
        if self._protocol != CLASSIC:
            return self._protocol
        protocol = _BY_BATCH.get(said.strip().lower())
        if protocol is None:
            raise BadRequest(f'The header {BATCH_HEADER} must be true or false.')
        return protocol


def response_of(reply: Reply) -> HTTPResponse:
    """A reply as it is sent; its content is forgotten piece by piece."""
    content = reply.content
    body = content.consume() if isinstance(content, ChunkedBuffer) else (content,)
    response = HTTPResponse(reply.status, reply.content_type, body, len(content))
    if reply.headers:
        response.headers += reply.headers.items()
    return response
