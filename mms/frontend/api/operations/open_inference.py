"""Of ``/v2/...``, the Open Inference Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mms.archive.signature import DATATYPES
from mms.frontend.openapi.operation import (
    Component,
    Content,
    ErrorShape,
    Fault,
    Operation,
    Parameter,
    Refusal,
    Section,
    json_answer,
)
from mms.frontend.openapi.refusals import NO_MODEL, PREDICTING, TOO_LARGE, TOO_SLOW, UNAVAILABLE
from mms.frontend.openapi.schemas import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    STRING,
    array,
    by_name,
    record,
    told,
)
from mms.ipc.request import JSON

Operations = Mapping[str, Operation]

SECTION = Section(
    'Open Inference Protocol', 'Version 2, which Triton and KServe speak too.',
    ErrorShape(Component('ErrorV2', record({'error': told(STRING, 'What is wrong.')})),
               lambda fault: {'error': fault.message}))

_BINARY = 'application/octet-stream'
_IN_PATH = {'model': 'Name of the model.'}
_IN_VERSION_PATH = {**_IN_PATH, 'version': 'Its version, which is 1.'}
_ENCODING = Refusal('UnsupportedEncoding', '415', 'The body is in an encoding that is not read.', {
    'brotli': Fault(415, 'UnsupportedMediaTypeException',
                    "The body is in the encoding 'br': gzip and deflate are read.")},
    {'Accept-Encoding': 'Those that are read.'})
_NOT_HERE = Refusal('NotHere', '403', 'Models are changed on the management port.', {
    'here': Fault(403, 'ForbiddenException', 'Models are loaded and unloaded on the management '
                  'port alone (--management-port).')})
_WRONG_BODY = Refusal('WrongBody', '400', 'The body is wrong.', {
    'ready': Fault(400, 'BadRequestException', 'ready must be true or false.')})

_SHAPE = array(INTEGER)
_DATATYPE = {'type': 'string', 'enum': list(DATATYPES)}
_PARAMETERS = by_name(ANYTHING)
_METADATA = Component('TensorMetadata', record({
    'name': STRING, 'datatype': _DATATYPE, 'shape': told(_SHAPE, '-1 where any length is taken.')}))
_INPUT = Component('InferInput', record(
    {'name': STRING, 'datatype': _DATATYPE, 'shape': array({'type': 'integer', 'minimum': 0})},
    parameters=told(_PARAMETERS, '`binary_data_size`: the data lies behind the JSON, so many '
                                 'bytes.'),
    data=told(array(ANYTHING), 'Numbers or texts, nested as the shape is, or in one row.')))
_WANTED = Component('InferRequestedOutput', record(
    {'name': STRING}, parameters=told(_PARAMETERS, '`binary_data`: as it lies in memory. '
                                                   '`classification`: how many classes.')))
_OUTPUT = Component('InferOutput', record(
    {'name': STRING, 'datatype': _DATATYPE, 'shape': _SHAPE}, parameters=_PARAMETERS,
    data=array(ANYTHING)))
_REQUEST = Component('InferRequest', record(
    {'inputs': {**array(_INPUT), 'minItems': 1}}, id=STRING,
    parameters=told(_PARAMETERS, '`binary_data_output`: all outputs as they lie in memory.'),
    outputs=array(_WANTED)))
_RESPONSE = Component('InferResponse', record(
    {'model_name': STRING, 'model_version': STRING, 'outputs': array(_OUTPUT)}, id=STRING))
_BYTES: Mapping[str, Any] = {'type': 'string', 'format': 'binary'}

_TENSORS = {'id': '1', 'inputs': [
    {'name': 'data', 'datatype': 'FP32', 'shape': [1, 2], 'data': [[0.5, 1.5]]}]}
_ANSWER = {'id': '1', 'model_name': 'flowers', 'model_version': '1', 'outputs': [
    {'name': 'softmax', 'datatype': 'FP32', 'shape': [1, 2], 'data': [0.3, 0.7]}]}
_INFERRED = json_answer('The outputs.', _RESPONSE, tensors=_ANSWER)
_INFERRED = _INFERRED._replace(
    content={**_INFERRED.content, _BINARY: Content(told(_BYTES, 'JSON, and the outputs behind '
                                                                'it.'))},
    headers={'Inference-Header-Content-Length': 'How long the JSON is, where outputs lie behind '
                                                'it.'})
_LENGTH = Parameter(
    'Inference-Header-Content-Length', 'How long the JSON is, where tensors lie behind it; 0 where '
    'the body is the only tensor.', STRING, 'header')

_READY = Component('ModelReady', record({'name': STRING, 'ready': BOOLEAN}))
_SPENT = Component('Spent', record({'count': INTEGER, 'ns': INTEGER}))
_STATISTICS = Component('ModelStatistics', record({
    'name': STRING, 'version': STRING, 'last_inference': INTEGER, 'inference_count': INTEGER,
    'execution_count': INTEGER, 'inference_stats': by_name(_SPENT),
    'response_stats': by_name(ANYTHING), 'batch_stats': array(by_name(ANYTHING)),
    'memory_usage': array(ANYTHING)}))
_ENTRY = Component('RepositoryEntry', record({
    'name': STRING, 'version': STRING, 'state': STRING, 'reason': STRING}))
_TOLD_OF_ONE = (NO_MODEL, UNAVAILABLE)
_CHANGE = {JSON: Content(record({}, parameters=_PARAMETERS))}


def _get(name: str, summary: str, schema: Any, *refusals: Refusal,
         in_path: Mapping[str, str] = _IN_PATH) -> Operation:
    return Operation(name, summary, SECTION, {200: json_answer('It is told.', schema)}, refusals,
                     in_path=in_path)


def _flag(name: str, summary: str, schema: Any, refusals: tuple[Refusal, ...] = (),
          in_path: Mapping[str, str] = _IN_PATH) -> Operation:
    return Operation(name, summary, SECTION, {200: json_answer('It is.', schema),
                                              503: json_answer('It is not.', schema)}, refusals,
                     in_path=in_path)


def _of_model(prefix: str, in_path: Mapping[str, str]) -> dict[str, Operation]:
    """What is told of a model, by the end of the path."""
    return {
        '': _get(f'{prefix}_metadata', 'The tensors of a model', Component('ModelMetadata', record({
            'name': STRING, 'versions': array(STRING), 'platform': STRING,
            'inputs': array(_METADATA), 'outputs': array(_METADATA)})), *_TOLD_OF_ONE,
            in_path=in_path),
        '/ready': _flag(f'{prefix}_ready', 'Whether a model can answer', _READY, (NO_MODEL,),
                        in_path),
        '/config': _get(f'{prefix}_config', 'How a model is served, as Triton has it',
                        by_name(ANYTHING), *_TOLD_OF_ONE, in_path=in_path),
        '/stats': _get(f'{prefix}_stats', 'What was counted of a model',
                       record({'model_stats': array(_STATISTICS)}), NO_MODEL, in_path=in_path),
        '/infer': Operation(
            f'{prefix}_infer', 'Ask a model for its outputs', SECTION, {200: _INFERRED},
            (*PREDICTING, _ENCODING), (_LENGTH,), in_path,
            {JSON: Content(_REQUEST, {'tensors': _TENSORS}),
             _BINARY: Content(told(_BYTES, 'JSON, and tensors behind it.'))})}


OF_MODEL: Operations = _of_model('v2_model', _IN_PATH)
OF_VERSION: Operations = _of_model('v2_version', _IN_VERSION_PATH)
SERVER = _get('v2_server', 'What this server is', record({
    'name': STRING, 'version': STRING, 'extensions': array(STRING)}), in_path={})
LIVE = Operation('v2_live', 'Whether the server answers', SECTION,
                 {200: json_answer('It does.', record({'live': BOOLEAN}))})
READY = _flag('v2_health', 'Whether the server had better get requests', record({'ready': BOOLEAN}),
              in_path={})
NAMES = _get('v2_models', 'Names of the models', record({'models': array(STRING)}), in_path={})
STATISTICS = _get('v2_stats', 'What was counted of all models',
                  record({'model_stats': array(_STATISTICS)}), in_path={})
INDEX = Operation(
    'v2_index', 'All models, with their states', SECTION,
    {200: json_answer('The models.', array(_ENTRY))}, (_WRONG_BODY, TOO_SLOW, TOO_LARGE),
    body={JSON: Content(record({}, ready=told(BOOLEAN, 'Only those that are ready.')))},
    body_required=False)
NOT_HERE: Operations = {change: Operation(
    f'v2_{change}', f'Refused: models are {change}ed on the management port', SECTION, {},
    (_NOT_HERE,), in_path={'name': 'Name of the model.'}) for change in ('load', 'unload')}
CHANGES: Operations = {change: Operation(
    f'v2_{change}', summary, SECTION, {200: json_answer('It is done.', record({}))},
    (_WRONG_BODY, NO_MODEL, TOO_SLOW, TOO_LARGE, UNAVAILABLE),
    in_path={'model_name': 'Name of the model.'}, body=_CHANGE, body_required=False)
    for change, summary in (('load', 'Load a model that was unloaded, or lies in the model store'),
                            ('unload', 'End the workers of a model'))}
