"""Predictions in the Open Inference Protocol: ``POST /v2/models/<model>/infer``."""

from __future__ import annotations

from collections.abc import Mapping

from mms.errors import ModelNotFound
from mms.frontend.access.scopes import PREDICT
from mms.frontend.api.classic import response_of
from mms.frontend.api.operations.open_inference import OF_MODEL, OF_VERSION
from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route
from mms.frontend.predictor import Predictor
from mms.ipc.request import OPEN_INFERENCE

MODEL_PATH = '/v2/models/<model>'
VERSION_PATH = f'{MODEL_PATH}/versions/<version>'
# Path of a model, and what documents tell of what is there.
PATHS = {MODEL_PATH: OF_MODEL, VERSION_PATH: OF_VERSION}
# A model has one version at a time, which is called so.
VERSION = '1'
# Key of the environment -> header that the codec reads.
_HEADERS: Mapping[str, str] = {
    'HTTP_INFERENCE_HEADER_CONTENT_LENGTH': 'Inference-Header-Content-Length',
    'HTTP_ACCEPT_ENCODING': 'Accept-Encoding',
}


class Inference:
    """The endpoint of every model.

    Parameters
    ----------
    predictor
        Of the models.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def infer(self, request: HTTPRequest) -> HTTPResponse:
        """Answer with what the model's worker has written.

        Raises
        ------
        RequestError, ClientDisconnected
        """
        environ, name = request.environ, model_of(request)
        headers = {name: environ[key] for key, name in _HEADERS.items() if key in environ}
        return response_of(self._predictor.predict(OPEN_INFERENCE, name, request, headers,
                                                   inflates=True))


def inference_routes(predictor: Predictor) -> list[Route]:
    """The endpoints that ask a model."""
    infer = Inference(predictor).infer
    return [Route(('POST',), f'{path}/infer', infer, 'Prediction', protocol=OPEN_INFERENCE,
                  scopes=PREDICT, told=told['/infer']) for path, told in PATHS.items()]


def model_of(request: HTTPRequest) -> str:
    """Name of the model that the path of a request names.

    Raises
    ------
    ModelNotFound
        The path names a version that there is not.
    """
    name, version = request.parameters['model'], request.parameters.get('version', VERSION)
    if version != VERSION:
        raise ModelNotFound(f'Model {name} has no version {version[:40]!r}: its one version is '
                            f'{VERSION}.')
    return name
