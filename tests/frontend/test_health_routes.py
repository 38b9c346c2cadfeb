"""What probes are answered, by the server's own application and by the Flask application."""

import json

import pytest
from front import application
from werkzeug.test import Client

from mms.frontend.flask_app import create_app
from mms.serving.model_state import ModelState
from mms.serving.readiness import ModelHealth, ServerHealth
from mms.serving.server_state import ServerState


class Models:
    names, revision = (), 0

    def __contains__(self, name):
        return False

    def ill_health(self):
        return {}


class Monitor:
    has_started = True
    found = ServerHealth(ServerState.SERVING, 0.0, '')

    def report(self):
        return self.found


@pytest.fixture
def monitor():
    return Monitor()


@pytest.fixture(params=[lambda app: app, lambda app: create_app('test', app)],
                ids=['own', 'flask'])
def ask(request, monitor):
    client = Client(request.param(application(Models(), monitor=monitor)))
    return lambda path, method='GET': client.open(path, method=method)


@pytest.mark.parametrize(('path', 'status'), [
    ('/health/live', 'live'), ('/health/ready', 'ready'), ('/health/startup', 'started')])
def test_a_probe_is_answered_and_no_cache_keeps_it(ask, path, status):
    answer = ask(path)
    assert (answer.status_code, answer.get_json()['status']) == (200, status)
    assert answer.headers['Cache-Control'] == 'no-store'
    assert answer.mimetype == 'application/json'


@pytest.mark.parametrize('path', ['/health/live', '/health/ready', '/health/startup'])
def test_head_has_the_status_alone_and_post_is_refused(ask, path):
    head, get = ask(path, 'HEAD'), ask(path)
    assert (head.status_code, head.data) == (200, b'')
    assert head.headers['Content-Length'] == get.headers['Content-Length']
    assert ask(path, 'POST').status_code == 405


def test_a_server_that_loads_is_live_and_neither_started_nor_ready(ask, monitor):
    monitor.has_started = False
    monitor.found = ServerHealth(ServerState.LOADING, 0.0, 'the server loads its models')
    assert ask('/health/live').status_code == 200
    assert (ask('/health/startup').status_code, ask('/health/startup').get_json()) == (
        503, {'status': 'starting'})
    assert ask('/health/ready').status_code == 503
    assert ask('/health/ready', 'HEAD').status_code == 503


def test_the_state_of_each_model_is_told(ask, monitor):
    monitor.found = ServerHealth(
        ServerState.SERVING, 1.5, 'model é is required, and is degraded: ill',
        [ModelHealth('é', ModelState.DEGRADED, 'ill', 86400.25, {'idle': 2}, True),
         ModelHealth('b', ModelState.READY, '', 0.0, {'idle': 1, 'busy': 3})],
        missing=['c'], remarks=['b.model is broken'])
    answer = ask('/health/ready')
    assert answer.status_code == 503
    assert json.loads(answer.data) == {
        'status': 'not ready', 'reason': 'model é is required, and is degraded: ill',
        'server': 'serving', 'since': '1970-01-01T00:00:01.500Z',
        'models': {
            'é': {'state': 'degraded', 'reason': 'ill', 'since': '1970-01-02T00:00:00.250Z',
                  'required': True, 'workers': {'idle': 2}},
            'b': {'state': 'ready', 'since': '1970-01-01T00:00:00.000Z', 'required': False,
                  'workers': {'idle': 1, 'busy': 3}},
            'c': {'state': 'missing', 'required': True, 'workers': {}}},
        'remarks': ['b.model is broken']}
