"""What the OpenAPI documents tell of the management port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mms.frontend.management.refusals import (
    ABSENT,
    BROKEN,
    FULL,
    NOT_NOW,
    OUTSIDE,
    SLOW,
    TAKEN,
    TOO_LARGE,
    UNKNOWN,
    UNUSABLE,
    WRONG_PARAMETER,
)
from mms.frontend.openapi.operation import (
    Answer,
    Component,
    Content,
    Operation,
    Parameter,
    Refusal,
    Schema,
    Section,
    json_answer,
)
from mms.frontend.openapi.schemas import (
    BOOLEAN,
    ERRORS,
    INTEGER,
    NUMBER,
    STRING,
    TIME,
    array,
    by_name,
    record,
    told,
)
from mms.ipc.request import JSON

MODELS = Section('Models', 'Load, replace, scale and remove models while the server runs.', ERRORS)
_IN_PATH = {'model_name': 'Name of the model.'}
_LOADING: Sequence[Refusal] = (UNUSABLE, OUTSIDE, ABSENT, SLOW, TOO_LARGE, BROKEN, NOT_NOW, FULL)


def _parameter(name: str, text: str, schema: Schema, default: object = None,
               required: bool = False) -> Parameter:
    return Parameter(name, text, schema if default is None else {**schema, 'default': default},
                     required=required, may_be_empty=not required)


_OPTIONS = (
    _parameter('batch_size', 'Most requests that run together.', INTEGER),
    _parameter('max_batch_delay',
               'How long a request may wait for others to run with, in milliseconds.', NUMBER),
    _parameter('response_timeout',
               'How long a request may take, in minutes; in a body of JSON, in seconds.', NUMBER),
)
_MOST_WORKERS = _parameter('max_worker', 'Most workers to have, under load.', INTEGER)
_SYNCHRONOUS = 'Whether to answer when all is done.'
_REGISTER = (
    _parameter('url', 'Where the archive lies.', STRING, required=True),
    _parameter('model_name', 'Name of the endpoint; by default that in the archive.', STRING),
    _parameter('initial_workers', 'Workers to have at least; 0 to load nothing yet.', INTEGER),
    _MOST_WORKERS, *_OPTIONS, _parameter('synchronous', _SYNCHRONOUS, BOOLEAN, True))
_CHANGE = (
    _parameter('min_worker', 'Workers to have at least; 0 for none.', INTEGER, 1), _MOST_WORKERS,
    _parameter('url', 'Where the archive lies that is to take its place.', STRING), *_OPTIONS,
    _parameter('synchronous', _SYNCHRONOUS, BOOLEAN, False))
_LIST = (
    _parameter('limit', 'Most models on a page.', INTEGER, 100),
    _parameter('next_page_token', 'The nextPageToken of the page before.', STRING))


def _body(parameters: Sequence[Parameter], **example: object) -> Mapping[str, Content]:
    """The same parameters, in place of the query."""
    return {JSON: Content({'type': 'object', 'properties': {
        one.name: told(one.schema, one.told) for one in parameters}},
        {'all': example})}


_STATUS = Component('Status', record({'status': STRING}))
_MODELS = Component('Models', record(
    {'models': array(Component('ListedModel', record({'modelName': STRING, 'modelUrl': STRING})))},
    nextPageToken=told(STRING, 'The `next_page_token` of the next page, where there is one.')))
_WORKER = Component('Worker', record(
    {'id': told(STRING, 'Of its process.'), 'startTime': STRING,
     'status': told(STRING, '`READY` or `UNLOADING`.'), 'gpu': BOOLEAN,
     'memoryUsage': told(INTEGER, 'Its share, in bytes.')},
    device=STRING, threads=INTEGER, requests=INTEGER, state=STRING))
_QUEUE = record({}, requests=INTEGER, oldestAgeSeconds=NUMBER, limit=INTEGER, inFlight=INTEGER)
_BATCHES = record({}, count=INTEGER, meanSize=NUMBER, largestSize=INTEGER, whyAlone=STRING)
_REPLACEMENT = record({}, modelUrl=STRING, status=STRING, reason=STRING, since=TIME)
_MODEL = Component('Model', record(
    {'modelName': STRING, 'modelVersion': STRING, 'modelUrl': STRING, 'engine': STRING,
     'runtime': STRING, 'minWorkers': INTEGER, 'maxWorkers': INTEGER, 'batchSize': INTEGER,
     'maxBatchDelay': told(NUMBER, 'In milliseconds.'),
     'status': told(STRING, 'Such as `loading`, `ready`, `failed` or `unloaded`.'),
     'reason': told(STRING, 'Why it is ill.'), 'loadedAtStartup': BOOLEAN,
     'workers': array(_WORKER)},
    since=TIME, measured=told(BOOLEAN, 'Whether it is known what pays.'),
    responseTimeout=told(NUMBER, 'In seconds.'), queue=_QUEUE,
    requests=record({}, answered=INTEGER, failed=INTEGER),
    latencySeconds=told(by_name(NUMBER), '`p50`, `p95` and `p99`.'), batches=_BATCHES,
    restarts=told(by_name(INTEGER), 'Reason -> workers that were replaced for it.'),
    memoryBytes=INTEGER, whyWorkers=STRING,
    replacement=told(_REPLACEMENT, 'Where another archive is to take its place.')))
_FLOWERS = {
    'modelName': 'flowers', 'modelVersion': 'snapshot', 'modelUrl': 'flowers.model',
    'engine': 'MXNet', 'runtime': 'python', 'minWorkers': 2, 'maxWorkers': 2, 'batchSize': 8,
    'maxBatchDelay': 0, 'measured': True, 'status': 'ready', 'reason': '',
    'loadedAtStartup': False, 'workers': [{
        'id': '4711', 'startTime': '2026-03-01T12:00:05.120Z', 'status': 'READY', 'gpu': False,
        'memoryUsage': 90177536, 'device': 'cpu', 'threads': 1, 'requests': 1, 'state': 'idle'}],
    'queue': {'requests': 0, 'oldestAgeSeconds': 0.0, 'limit': 1000, 'inFlight': 0},
    'requests': {'answered': 1, 'failed': 0}}


def _status(text: str, status: str) -> Answer:
    return json_answer(text, _STATUS, status={'status': status})


_ACCEPTED = _status('Under way.', 'Processing worker updates...')

API = Operation('apiDescription', 'This interface, as MMS 1.x describes itself', MODELS, {
    200: json_answer('An OpenAPI 3.0 document.', {'type': 'object'})})
LIST = Operation('listModels', 'A page of models', MODELS, {
    200: json_answer('The page.', _MODELS, page={'nextPageToken': '1', 'models': [
        {'modelName': 'flowers', 'modelUrl': 'flowers.model'}]})},
    [WRONG_PARAMETER], _LIST)
REGISTER = Operation('registerModel', 'Serve another model', MODELS, {
    200: _status('It is served.', 'Workers scaled'), 202: _ACCEPTED}, [*_LOADING, TAKEN],
    _REGISTER, body=_body(_REGISTER, url='flowers.model', response_timeout=30),
    body_required=False)
DESCRIBE = Operation('describeModel', 'How a model is served, and how it does', MODELS, {
    200: json_answer('The model.', _MODEL, flowers=_FLOWERS)}, [UNKNOWN], in_path=_IN_PATH)
CHANGE = Operation('setAutoScale', 'Scale a model, or replace it where there is a url', MODELS, {
    200: _status('It is done.', 'Workers scaled'), 202: _ACCEPTED,
    210: _status('Not all workers are there yet.', 'Workers scaling in progress...')},
    _LOADING, _CHANGE, _IN_PATH, _body(_CHANGE, min_worker=2, synchronous=True), False)
UNREGISTER = Operation('unregisterModel', 'Serve a model no more', MODELS, {
    200: _status('It is gone.', 'Model "flowers" unregistered')}, [UNKNOWN, NOT_NOW],
    in_path=_IN_PATH)
