"""The Swagger 2.0 description of a server as OpenAPI 3.0, for generators of clients.

Swagger 2.0 is what ``/api-description`` has always been. It cannot say that a field holds any
JSON, nor what an error looks like by the first digit of its status; a generator that starts from
it makes clients that refuse the lists of the built-in services.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Of a file part. The server takes other types too; every MMS takes this one.
_PICTURE = 'image/jpeg'
_DONE = '200'
_ERROR = {'$ref': '#/components/schemas/ErrorAnswer'}
_ERROR_SCHEMA = {
    'type': 'object',
    'properties': {'code': {'type': 'integer'}, 'type': {'type': 'string'},
                   'message': {'type': 'string'}},
}


def openapi3_of(swagger: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAPI 3.0 document of what :func:`mms.frontend.api.swagger.describe` made.

    It also says that errors are JSON of a ``code``, a ``type`` and a ``message``.
    """
    return {
        'openapi': '3.0.3',
        'info': swagger['info'],
        'servers': [{'url': f"{scheme}://{swagger['host']}"} for scheme in swagger['schemes']],
        'paths': {path: {method: _operation(operation) for method, operation in methods.items()}
                  for path, methods in swagger['paths'].items()},
        'components': {'schemas': {'ErrorAnswer': _ERROR_SCHEMA}, **_schemes(swagger)},
        **_security(swagger),
    }


def _schemes(swagger: Mapping[str, Any]) -> dict[str, Any]:
    # Keys in headers are written alike in both.
    schemes = swagger.get('securityDefinitions')
    return {'securitySchemes': schemes} if schemes else {}


def _security(described: Mapping[str, Any]) -> dict[str, Any]:
    return {'security': described['security']} if 'security' in described else {}


def _operation(operation: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {'operationId': operation['operationId']}
    if 'parameters' in operation:
        made['requestBody'] = _form(operation['parameters'], operation['consumes'])
    answers = {status: _answer(answer['description'], answer['schema'], operation['produces'])
               for status, answer in operation['responses'].items() if status == _DONE}
    errors = {status: _answer('Error', _ERROR, operation['produces']) for status in ('4XX', '5XX')}
    made['responses'] = {**answers, **errors}
    return {**made, **_security(operation)}


def _form(fields: list[dict[str, Any]], types: list[str]) -> dict[str, Any]:
    schema = {'type': 'object', 'required': [field['name'] for field in fields],
              'properties': {field['name']: _field(field) for field in fields}}
    pictures = {field['name']: {'contentType': _PICTURE} for field in fields
                if field['type'] == 'file'}
    content = {'schema': schema, **({'encoding': pictures} if pictures else {})}
    return {'required': True, 'content': {kind: content for kind in types}}


def _field(field: Mapping[str, Any]) -> dict[str, Any]:
    binary = {'format': 'binary'} if field['type'] == 'file' else {}
    return {'type': 'string', 'description': field['description'], **binary}


def _answer(description: str, schema: Mapping[str, Any], types: list[str]) -> dict[str, Any]:
    return {'description': description, 'content': {kind: {'schema': schema} for kind in types}}
