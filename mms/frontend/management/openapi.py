"""The OpenAPI 3 document of the management port: ``OPTIONS /``, as MMS 1.x has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mms.ipc.messages import JSON
from mms.version import __version__

Document = dict[str, Any]


class _Parameter(NamedTuple):
    """One parameter of an operation."""

    name: str
    kind: str
    told: str
    default: Any = None
    required: bool = False

    def written(self) -> Document:
        schema: Document = {'type': self.kind}
        if self.default is not None:
            schema['default'] = self.default
        return {'in': 'query', 'name': self.name, 'description': self.told,
                'required': self.required, 'schema': schema}


_OPTIONS = (
    _Parameter('batch_size', 'integer', 'Most requests that run together.'),
    _Parameter('max_batch_delay', 'number',
               'How long a request may wait for others to run with, in milliseconds.'),
    _Parameter('response_timeout', 'number',
               'How long a request may take, in minutes; in a body of JSON, in seconds.'),
)
_SYNCHRONOUS = 'Whether to answer when all is done.'
_REGISTER = (
    _Parameter('url', 'string', 'Where the archive lies.', required=True),
    _Parameter('model_name', 'string', 'Name of the endpoint; by default that in the archive.'),
    _Parameter('initial_workers', 'integer',
               'Workers to have at least; 0 to load nothing yet.'),
    _Parameter('max_worker', 'integer', 'Most workers to have, under load.'),
    *_OPTIONS,
    _Parameter('synchronous', 'boolean', _SYNCHRONOUS, True),
)
_CHANGE = (
    _Parameter('min_worker', 'integer', 'Workers to have at least; 0 for none.', 1),
    _Parameter('max_worker', 'integer', 'Most workers to have, under load.'),
    _Parameter('url', 'string', 'Where the archive lies that is to take its place.'),
    *_OPTIONS,
    _Parameter('synchronous', 'boolean', _SYNCHRONOUS, False),
)
_LIST = (
    _Parameter('limit', 'integer', 'Most models on a page.', 100),
    _Parameter('next_page_token', 'string', 'The nextPageToken of the page before.'),
)
_NAME = {'in': 'path', 'name': 'model_name', 'description': 'Name of the model.',
         'required': True, 'schema': {'type': 'string'}}

# What refuses any of them.
_REFUSED = {401: 'No token, or a wrong one', 503: 'The server begins or stops'}
_LOADED = {200: 'Done', 202: 'Under way', 400: 'A wrong parameter, or an archive that is no good',
           403: 'Outside of the model store', 404: 'No such model, or no such archive',
           408: 'The body of the request stopped on its way', 413: 'The body is too large',
           500: 'The model does not load', 507: 'The disk or the memory is full'}


def openapi() -> Document:
    """The document."""
    return {
        'openapi': '3.0.1',
        'info': {'title': 'Model Server APIs', 'version': __version__,
                 'description': 'Models that are loaded, replaced, scaled and removed while the '
                                'server runs'},
        'components': {
            'schemas': {'Status': _object('status'), 'Error': _error(), 'Model': _model(),
                        'Models': _models()},
            'securitySchemes': {'token': {'type': 'http', 'scheme': 'bearer'}},
        },
        'security': [{'token': []}],
        'paths': {
            '/': {'options': _operation('apiDescription', (), {200: 'This document'}, '')},
            '/models': {
                'get': _operation('listModels', _LIST,
                                  {200: 'A page of models', 400: 'A wrong parameter'}, 'Models'),
                'post': _operation('registerModel', _REGISTER,
                                   {**_LOADED, 409: 'There is one of that name'}, 'Status',
                                   has_body=True),
            },
            '/models/{model_name}': {
                'parameters': [_NAME],
                'get': _operation('describeModel', (),
                                  {200: 'The model', 404: 'No such model'}, 'Model'),
                'put': _operation('setAutoScale', _CHANGE,
                                  {**_LOADED, 210: 'Not all workers are there yet'}, 'Status',
                                  has_body=True),
                'delete': _operation('unregisterModel', (),
                                     {200: 'It is gone', 404: 'No such model'}, 'Status'),
            },
        },
    }


def _operation(name: str, parameters: Sequence[_Parameter], answers: Mapping[int, str],
               schema: str, has_body: bool = False) -> Document:
    responses = {str(code): _response(told, 'Error' if code >= 400 else schema)
                 for code, told in sorted({**answers, **_REFUSED}.items())}
    made: Document = {'operationId': name, 'parameters': [one.written() for one in parameters],
                      'responses': responses}
    if has_body:
        properties = {one.name: {'type': one.kind, 'description': one.told} for one in parameters}
        made['requestBody'] = {
            'description': 'The same parameters, in place of the query.', 'required': False,
            'content': {JSON: {'schema': {'type': 'object', 'properties': properties}}}}
    return made


def _response(told: str, schema: str) -> Document:
    shape: Document = {'$ref': f'#/components/schemas/{schema}'} if schema else {'type': 'object'}
    return {'description': told, 'content': {JSON: {'schema': shape}}}


def _object(*names: str) -> Document:
    return {'type': 'object', 'required': list(names),
            'properties': {name: {'type': 'string'} for name in names}}


def _error() -> Document:
    made = _object('code', 'type', 'message')
    made['properties']['code'] = {'type': 'integer'}
    return made


def _models() -> Document:
    return {'type': 'object', 'required': ['models'], 'properties': {
        'nextPageToken': {'type': 'string'},
        'models': {'type': 'array', 'items': _object('modelName', 'modelUrl')}}}


def _model() -> Document:
    made = _object('modelName', 'modelUrl', 'status', 'reason')
    made['properties'].update(
        {name: {'type': 'integer'} for name in ('minWorkers', 'maxWorkers', 'batchSize')})
    worker = _object('id', 'startTime', 'status')
    worker['properties'].update(gpu={'type': 'boolean'}, memoryUsage={'type': 'integer'})
    made['properties']['workers'] = {'type': 'array', 'items': worker}
    return made
