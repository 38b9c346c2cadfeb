"""The Swagger 2.0 description of the endpoints, from the models' live signatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from mms.archive.signature import IMAGE_TYPE, LISTS, OUTPUT_FORMAT, TEXT, input_types
from mms.frontend.address import host_and_port, predict_path

Schema = Mapping[str, Any]

_STRING: Schema = {'type': 'string'}
_OBJECT: Schema = {'type': 'object'}
# What an answer holds, by the signature's output_format: one text for each output, one nested list
# for each, which may be a single number, or what the service likes. A generated client that is
# told of an object refuses the lists of the built-in services.
_PREDICTIONS: dict[Optional[str], Schema] = {
    None: {},
    TEXT: {'type': 'array', 'items': _STRING},
    LISTS: {'type': 'array', 'items': {}},
}


# Swagger 2.0 has no name for bearer tokens, which are sent just as well in a header of their own.
_SECURITY: Mapping[str, Any] = {
    'securityDefinitions': {'token': {'type': 'apiKey', 'in': 'header', 'name': 'X-API-Key'}},
    'security': [{'token': []}],
}
# Probes, which have no token.
_OPEN = ('/ping', '/')


def describe(signatures: Mapping[str, Mapping[str, Any]], host: str, port: int,
             scheme: str = 'http', asks_for_token: bool = False) -> dict[str, Any]:
    """Swagger 2.0 document of a server.

    Parameters
    ----------
    signatures
        Endpoint name -> live signature of its service.
    host, port
        Where the server listens.
    scheme
        Of its URL.
    asks_for_token
        Whether it does.
    """
    paths: dict[str, Any] = {
        predict_path(name): {'post': _predict(name, signature)}
        for name, signature in signatures.items()
    }
    paths['/ping'] = {'get': _get('ping', 'health', _STRING)}
    paths['/api-description'] = {'get': _get('api-description', 'description', _OBJECT)}
    paths['/'] = {'get': _get('root', 'health', _STRING)}
    if asks_for_token:
        for path in _OPEN:
            paths[path]['get']['security'] = []
    return {
        'swagger': '2.0',
        'info': {'version': '1.0.0', 'title': 'Model Serving Apis'},
        'host': host_and_port(host, port) if port else 'localhost',
        'schemes': [scheme],
        'paths': paths,
        **(_SECURITY if asks_for_token else {}),
    }


def _predict(name: str, signature: Mapping[str, Any]) -> dict[str, Any]:
    return {
        'operationId': f'{name}_predict',
        'consumes': ['multipart/form-data'],
        'produces': ['application/json'],
        'parameters': [_parameter(spec, input_type) for spec, input_type in zip(
            signature['inputs'], input_types(signature))],
        'responses': {'200': _answer('prediction', _PREDICTIONS[signature.get(OUTPUT_FORMAT)])},
    }


def _parameter(spec: Mapping[str, Any], input_type: str) -> dict[str, Any]:
    name, shape = spec['data_name'], list(spec['data_shape'][1:])
    if input_type == IMAGE_TYPE:
        kind, text = 'file', f'{name} should be image which will be resized to: {shape}'
    else:
        kind, text = 'string', f'{name} should tensor with shape: {shape}'
    return {'in': 'formData', 'name': name, 'description': text, 'required': True, 'type': kind}


def _get(operation: str, field: str, value: Schema) -> dict[str, Any]:
    return {
        'operationId': operation,
        'produces': ['application/json'],
        'responses': {'200': _answer(field, value)},
    }


def _answer(field: str, value: Schema) -> dict[str, Any]:
    schema = {'type': 'object', 'properties': {field: dict(value)}}
    return {'description': 'OK', 'schema': schema}
