"""The Swagger 2.0 description of the endpoints, from the models' live signatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from mms.archive.signature import IMAGE_TYPE, LISTS, OUTPUT_FORMAT, TEXT, input_types
from mms.frontend.address import host_and_port, predict_path

# What an answer holds, by the signature's output_format: anything, one text for each output, or
# one nested list for each, which may be a single number.
_PREDICTIONS: dict[Optional[str], dict[str, Any]] = {
    None: {'type': 'object'},
    TEXT: {'type': 'array', 'items': {'type': 'string'}},
    LISTS: {'type': 'array', 'items': {}},
}


def describe(signatures: Mapping[str, Mapping[str, Any]], host: str, port: int) -> dict[str, Any]:
    """Swagger 2.0 document of a server.

    Parameters
    ----------
    signatures
        Endpoint name -> live signature of its service.
    host, port
        Where the server listens.
    """
    paths: dict[str, Any] = {
        predict_path(name): {'post': _predict(name, signature)}
        for name, signature in signatures.items()
    }
    paths['/ping'] = {'get': _get('ping', 'health')}
    paths['/api-description'] = {'get': _get('api-description', 'description', 'object')}
    paths['/'] = {'get': _get('root', 'health')}
    return {
        'swagger': '2.0',
        'info': {'version': '1.0.0', 'title': 'Model Serving Apis'},
        'host': host_and_port(host, port),
        'schemes': ['http'],
        'paths': paths,
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


def _get(operation: str, field: str, kind: str = 'string') -> dict[str, Any]:
    return {
        'operationId': operation,
        'produces': ['application/json'],
        'responses': {'200': _answer(field, {'type': kind})},
    }


def _answer(field: str, content: Mapping[str, Any]) -> dict[str, Any]:
    schema = {'type': 'object', 'properties': {field: content}}
    return {'description': 'OK', 'schema': schema}
