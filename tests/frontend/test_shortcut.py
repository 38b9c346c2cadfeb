"""The short way gives the answers of the Flask application, which it leaves the rest to."""

import logging

import pytest
from werkzeug.test import Client

from mms.errors import BadRequest, QueueFull
from mms.frontend.api.classic import create_app
from mms.frontend.predictor import Predictor
from mms.frontend.shortcut import Shortcut
from mms.ipc.messages import Reply
from mms.runtime.byte_budget import Room


class Models:
    names = ['m', 'a é+']

    def __init__(self):
        self.asked = []

    def signature(self, name):
        return {}

    def predict(self, name, request, client_left):
        self.asked.append((name, request, client_left()))
        if b'bad' in request.body:
            raise BadRequest('it is bad')
        if b'crowd' in request.body:
            raise QueueFull('too many', 7)
        if b'fault' in request.body:
            raise ZeroDivisionError
        return Reply(b'[1]', {'inference': 2.0})

    def ill_health(self):
        return {}


class Metrics:
    def __init__(self):
        self.counts = []

    def count(self, name, model=None):
        self.counts.append((name, model))

    def observe_stages(self, stage_times_ms, model):
        self.counts.append((dict(stage_times_ms), model))


class Ways:
    """One request, by the application alone and by the short way before it."""

    def __init__(self, caplog):
        self._caplog = caplog

    def ask(self, path, **options):
        outcomes = []
        for short in (False, True):
            models, metrics = Models(), Metrics()
            predictor = Predictor(models, metrics, 1000, Room())
            app = create_app('test', predictor, {})
            entered = []
            app.before_request(lambda entered=entered: entered.append(1))
            wsgi = Shortcut(app, predictor) if short else app
            self._caplog.clear()
            with self._caplog.at_level(logging.INFO):
                answer = Client(wsgi).open(path, **{'method': 'POST', **options})
            lines = [record.getMessage().split(' ')[:3] for record in self._caplog.records
                     if record.name == 'mms.frontend.access_log']
            outcomes.append((answer.status, sorted(answer.headers), answer.data, metrics.counts,
                             models.asked, lines))
        assert outcomes[0] == outcomes[1]
        return outcomes[1], bool(entered)


@pytest.fixture
def ways(caplog):
    return Ways(caplog)


@pytest.mark.parametrize('path', ['/m/predict', '/m/predict?a=b', '/a%20%C3%A9+/predict'])
def test_a_plain_prediction_is_answered_as_by_the_application(ways, path):
    outcome, entered = ways.ask(path, data={'data': '[1]'})
    assert outcome[:1] + outcome[2:3] == ('200 OK', b'{"prediction":[1]}\n')
    assert not entered


@pytest.mark.parametrize(('path', 'options', 'status'), [
    ('/m/predict', {'data': {'data': 'bad'}}, 400),
    ('/m/predict', {'data': {'data': 'fault'}}, 500),
    ('/m/predict', {'data': {'data': 'crowd'}}, 503),
    ('/m/predict', {'data': {'data': 'x' * 2000}}, 413),
    ('/m/predict', {'environ_overrides': {'CONTENT_LENGTH': '5'}}, 400),
    ('/m/predict', {'data': {}, 'headers': {'Origin': 'http://page.example'}}, 200),
    ('/m/predict', {'method': 'GET'}, 405), ('/m/predict', {'method': 'OPTIONS'}, 200),
    ('/m/predict/', {}, 404), ('//m/predict', {}, 404), ('/M/predict', {}, 404),
    ('/ping', {'method': 'GET'}, 200),
])
def test_everything_else_is_answered_by_the_application(ways, path, options, status):
    outcome, entered = ways.ask(path, **options)
    assert outcome[0].startswith(str(status))
    assert entered
    assert len(outcome[5]) == 1


def test_two_slashes_are_not_one(ways):
    outcome, _ = ways.ask('/', method='GET', environ_overrides={'PATH_INFO': '//ping'})
    assert outcome[0].startswith('404')
    assert 'There is nothing at //ping' in str(outcome)


def test_a_server_that_knows_says_whether_the_client_has_left(ways):
    outcome, _ = ways.ask('/m/predict', data={}, environ_overrides={
        'mms.client_left': lambda: True})
    assert [left for _, _, left in outcome[4]] == [True]
    assert [left for _, _, left in ways.ask('/m/predict', data={})[0][4]] == [False]


def test_a_full_queue_says_when_to_come_again(ways):
    outcome, _ = ways.ask('/m/predict', data={'data': 'crowd'})
    assert ('Retry-After', '7') in outcome[1]
