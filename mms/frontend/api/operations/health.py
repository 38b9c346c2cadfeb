"""Of ``/ping`` and ``/health/...``."""

from __future__ import annotations

from mms.frontend.openapi.operation import Answer, Component, Operation, Section, json_answer
from mms.frontend.openapi.schemas import (
    BOOLEAN,
    ERRORS,
    INTEGER,
    STRING,
    TIME,
    array,
    by_name,
    record,
    told,
)

HEALTH = Section('Health', 'Whether the server and its models can answer. No token is needed.',
                 ERRORS)

_PING = Component('Ping', record({'health': STRING}))
_PINGS = {200: json_answer('Every model can answer.', _PING, well={'health': 'healthy!'}),
          503: json_answer('A model cannot.', _PING, sick={'health': 'unhealthy!'})}
_STATUS = Component('Status', record({'status': STRING}))

_MODEL = Component('ModelHealth', record(
    {'state': told(STRING, 'Such as `ready`, `degraded` or `failed`.'), 'required': BOOLEAN,
     'workers': told(by_name(INTEGER), 'How many are in which state.')},
    since=TIME, reason=told(STRING, 'Why it is not ready.')))
_READINESS = Component('Readiness', record(
    {'status': told(STRING, '`ready` or `not ready`.'), 'server': STRING, 'since': TIME},
    reason=told(STRING, 'Why it is not ready.'),
    models=told(by_name(_MODEL), 'For who has a token, where tokens are asked for.'),
    states=told(by_name(INTEGER), 'In its place, without one: how many models are in which '
                                  'state.'),
    remarks=array(STRING)))
_SINCE = '2026-03-01T12:00:05.120Z'
_READY = {
    'status': 'ready', 'server': 'serving', 'since': _SINCE, 'models': {'flowers': {
        'state': 'ready', 'since': _SINCE, 'required': True, 'workers': {'idle': 2}}}}
_WHY = 'its worker process does not start'
_NOT_READY = {
    'status': 'not ready', 'reason': f'model flowers is required, and is failed: {_WHY}',
    'server': 'serving', 'since': _SINCE, 'models': {'flowers': {
        'state': 'failed', 'since': _SINCE, 'reason': _WHY, 'required': True, 'workers': {}}}}
_FOR_ALL = {'status': 'ready', 'server': 'serving', 'since': _SINCE, 'states': {'ready': 1}}


def _status(text: str, status: str) -> Answer:
    return json_answer(text, _STATUS, status={'status': status})


PING = Operation('ping', 'Whether every model can answer', HEALTH, _PINGS)
ROOT = Operation('root', 'The same as /ping', HEALTH, _PINGS)
LIVE = Operation('live', 'Whether the server answers', HEALTH,
                 {200: _status('It does.', 'live')})
READY = Operation('ready', 'Whether the server had better get requests', HEALTH, {
    200: json_answer('It had.', _READINESS, ready=_READY,
                     without_token=_FOR_ALL),
    503: json_answer('It had not.', _READINESS, not_ready=_NOT_READY)})
STARTUP = Operation('startup', 'Whether the models of the start are loaded', HEALTH, {
    200: _status('They are.', 'started'), 503: _status('They are not yet.', 'starting')})
