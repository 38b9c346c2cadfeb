"""The Swagger 2.0 description of the endpoints, from the models' live signatures."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
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
_ERROR = 'ErrorAnswer'
_ERROR_SCHEMA: Schema = {
    'type': 'object', 'required': ['code', 'type', 'message'],
    'properties': {'code': {'type': 'integer'}, 'type': _STRING, 'message': _STRING}}
# What else a prediction may be answered.
_REFUSALS = {
    400: 'The request is wrong: the message says what is',
    404: 'There is no such model any more',
    408: 'The body of the request stopped on its way',
    413: 'The request is too large',
    429: 'The client asks too often',
    500: 'The service failed over the request',
    503: 'Too much waits, or the model cannot answer: Retry-After says when to ask again',
    504: 'It took too long',
}
_NO_TOKEN = {401: 'There is no token, or a wrong one', 403: 'The token is not for this'}
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
    unhealthy = {'503': _answer('health', _STRING, 'A model cannot answer')}
    paths['/ping'] = {'get': _get('ping', 'health', _STRING, unhealthy)}
    paths['/api-description'] = {'get': _get('api-description', 'description', _OBJECT)}
    paths['/'] = {'get': _get('root', 'health', _STRING, unhealthy)}
    if asks_for_token:
        _ask_for_token(paths)
    return {
        'swagger': '2.0',
        'info': {'version': '1.0.0', 'title': 'Model Serving Apis'},
        'host': host_and_port(host, port) if port else 'localhost',
        'schemes': [scheme],
        'paths': paths,
        'definitions': {_ERROR: dict(_ERROR_SCHEMA)},
        **(_SECURITY if asks_for_token else {}),
    }


def _ask_for_token(paths: Mapping[str, Any]) -> None:
    for path, methods in paths.items():
        for operation in methods.values():
            if path in _OPEN:
                operation['security'] = []
            else:
                operation['responses'].update(_refusals(_NO_TOKEN))


def _predict(name: str, signature: Mapping[str, Any]) -> dict[str, Any]:
    return {
        'operationId': f'{name}_predict',
        'consumes': ['multipart/form-data'],
        'produces': ['application/json'],
        'parameters': [_parameter(spec, input_type) for spec, input_type in zip(
            signature['inputs'], input_types(signature))],
        'responses': {'200': _answer('prediction', _PREDICTIONS[signature.get(OUTPUT_FORMAT)]),
                      **_refusals(_REFUSALS)},
    }


def _parameter(spec: Mapping[str, Any], input_type: str) -> dict[str, Any]:
    name, shape = spec['data_name'], list(spec['data_shape'][1:])
    if input_type == IMAGE_TYPE:
        kind, text = 'file', f'{name} should be image which will be resized to: {shape}'
    else:
        kind, text = 'string', f'{name} should tensor with shape: {shape}'
    return {'in': 'formData', 'name': name, 'description': text, 'required': True, 'type': kind}


def _get(operation: str, field: str, value: Schema,
         more: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    return {
        'operationId': operation,
        'produces': ['application/json'],
        'responses': {'200': _answer(field, value), **more},
    }


def _answer(field: str, value: Schema, told: str = 'OK') -> dict[str, Any]:
    schema = {'type': 'object', 'properties': {field: dict(value)}}
    return {'description': told, 'schema': schema}


def _refusals(told: Mapping[int, str]) -> dict[str, Any]:
    return {str(code): {'description': text, 'schema': {'$ref': f'#/definitions/{_ERROR}'}}
            for code, text in told.items()}
