"""What the Open Inference Protocol tells of the server and of its models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Optional

from mms.frontend.access.scopes import OPEN, Scopes
from mms.frontend.api.health import Monitor
from mms.frontend.api.inference_v2 import PATHS, VERSION, model_of
from mms.frontend.api.inference_v2_tensors import (
    BYTES,
    TensorMetadata,
    inputs_of,
    outputs_of,
)
from mms.frontend.api.operations import open_inference as operations
from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route, json_response
from mms.frontend.predictor import Models
from mms.serving.readiness import ModelHealth
from mms.version import __version__

SERVER = 'mxnet-model-server'
PLATFORM = 'mxnet_mxnet'
# Triton's names for what there is beyond the protocol itself.
EXTENSIONS = ('binary_tensor_data', 'classification', 'model_configuration', 'model_repository',
              'statistics')
LIVE, READY = '/v2/health/live', '/v2/health/ready'


class Known(NamedTuple):
    """What these endpoints tell of.

    Attributes
    ----------
    models
        Those that are served.
    monitor
        Who knows how they are.
    """

    models: Models
    monitor: Monitor


class ModelEndpoints:
    """Answers ``/v2``, ``/v2/health/...`` and ``/v2/models/...``."""

    def __init__(self, known: Known) -> None:
        self._models = known.models
        self._monitor = known.monitor

    def server(self, request: HTTPRequest) -> HTTPResponse:
        """``GET /v2``: what this is."""
        return json_response(200, {'name': SERVER, 'version': __version__,
                                   'extensions': list(EXTENSIONS)})

    def live(self, request: HTTPRequest) -> HTTPResponse:
        """``GET /v2/health/live``: who answers is alive."""
        return _uncached(200, {'live': True})

    def ready(self, request: HTTPRequest) -> HTTPResponse:
        """``GET /v2/health/ready``: 503 while the server had better get no requests."""
        is_ready = not self._monitor.report().reason
        return _uncached(200 if is_ready else 503, {'ready': is_ready})

    def names(self, request: HTTPRequest) -> HTTPResponse:
        """``GET /v2/models``: names of those that are served."""
        return json_response(200, {'models': list(self._models.names)})

    def metadata(self, request: HTTPRequest) -> HTTPResponse:
        """``GET /v2/models/NAME``: its tensors."""
        name = model_of(request)
        signature = self._models.signature(name)
        return json_response(200, {
            'name': name, 'versions': [VERSION], 'platform': PLATFORM,
            'inputs': [tensor.described() for tensor in inputs_of(signature)],
            'outputs': [tensor.described() for tensor in outputs_of(signature)]})

    def model_ready(self, request: HTTPRequest) -> HTTPResponse:
        """``GET /v2/models/NAME/ready``: 503 while the model cannot answer."""
        name = model_of(request)
        health = self._health(name)
        is_ready = health is not None and health.can_answer
        return _uncached(200 if is_ready else 503, {'name': name, 'ready': is_ready})

    def config(self, request: HTTPRequest) -> HTTPResponse:
        """``GET /v2/models/NAME/config``: how Triton would be told to serve it."""
        name = model_of(request)
        signature = self._models.signature(name)
        health = self._health(name)
        workers = sum(health.workers.values()) if health is not None else 0
        return json_response(200, {
            'name': name, 'platform': PLATFORM, 'backend': 'mxnet',
            'version_policy': {'latest': {'num_versions': 1}},
            # The first dimension of a shape is the batch here: none is put before it.
            'max_batch_size': 0,
            'input': [_configured(tensor) for tensor in inputs_of(signature)],
            'output': [_configured(tensor) for tensor in outputs_of(signature)],
            'instance_group': [{'name': name, 'count': workers}]})

    def _health(self, name: str) -> Optional[ModelHealth]:
        return next((model for model in self._monitor.report().models if model.name == name), None)


def model_routes(known: Known, scopes: Scopes) -> list[Route]:
    """These endpoints; all but those for the health of the server need one of the scopes."""
    tell = ModelEndpoints(known)
    of_models = {'': tell.metadata, '/ready': tell.model_ready, '/config': tell.config}
    return [
        Route(('GET',), '/v2', tell.server, scopes=scopes, told=operations.SERVER),
        Route(('GET',), LIVE, tell.live, scopes=OPEN, told=operations.LIVE),
        Route(('GET',), READY, tell.ready, scopes=OPEN, told=operations.READY),
        Route(('GET',), '/v2/models', tell.names, scopes=scopes, told=operations.NAMES),
        *(Route(('GET',), path + end, handle, scopes=scopes, told=told[end])
          for path, told in PATHS.items() for end, handle in of_models.items()),
    ]


def _configured(tensor: TensorMetadata) -> Mapping[str, Any]:
    kind = 'STRING' if tensor.datatype == BYTES else tensor.datatype
    return {'name': tensor.name, 'data_type': f'TYPE_{kind}', 'dims': tensor.shape}


def _uncached(status: int, value: Mapping[str, Any]) -> HTTPResponse:
    response = json_response(status, value)
    response.headers.append(('Cache-Control', 'no-store'))
    return response
