"""The Swagger 2.0 description of the endpoints, from the models' live signatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mms.archive.signature import IMAGE_TYPE
from mms.frontend.address import host_and_port, predict_path


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
        'parameters': [_parameter(spec, signature['input_type']) for spec in signature['inputs']],
        'responses': {'200': _answer('prediction', 'object')},
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
        'responses': {'200': _answer(field, kind)},
    }


def _answer(field: str, kind: str) -> dict[str, Any]:
    schema = {'type': 'object', 'properties': {field: {'type': kind}}}
    return {'description': 'OK', 'schema': schema}
