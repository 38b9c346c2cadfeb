"""One table and one chain: the server's own application and Flask's give the same answers."""

import io
import json
import logging

import flask
import pytest
from front import Healthy, application
from werkzeug.exceptions import Conflict
from werkzeug.test import Client

from mms.errors import BadRequest, QueueFull
from mms.frontend.api.classic import Predictions
from mms.frontend.chain import Middleware
from mms.frontend.exchange import Route, json_response
from mms.frontend.flask_app import create_app
from mms.frontend.predictor import Predictor
from mms.frontend.routes import routes
from mms.ipc.request import CLASSIC, Reply
from mms.metrics import METRICS
from mms.runtime.byte_budget import ByteBudget


class Models:
    revision = 0

    def __init__(self, *names):
        self.names = list(names or ['m', 'a é+', 'x/y'])
        self.asked = []

    def __contains__(self, name):
        return name in self.names

    def submit(self, name, request, caller):
        self.asked.append((name, request, caller.has_left()))
        if b'bad' in request.body:
            raise BadRequest('it is bad')
        if b'crowd' in request.body:
            raise QueueFull('too many', 7)
        if b'fault' in request.body:
            raise ZeroDivisionError
        if b'teapot' in request.body:
            return Reply(b'<tea/>', {}, 'text/xml; charset=utf-8', 418)
        return Reply(b'{"prediction":[1]}\n', {'inference': 2.0})

    def ill_health(self):
        return {}


class Counts:
    def __init__(self):
        self.counts = []

    def count(self, name, model=None):
        self.counts.append((name, model))

    def observe_stages(self, stage_times_ms, model):
        self.counts.append((dict(stage_times_ms), model))


class Ways:
    """One request, by the server's own application and by the Flask application."""

    def __init__(self, caplog):
        self._caplog = caplog

    def ask(self, path, middleware=(), more_routes=(), **options):
        outcomes = []
        for way in (lambda app: app, lambda app: create_app('test', app)):
            models, counts = Models(), Counts()
            wsgi = way(application(models, counts, *middleware, more_routes=more_routes))
            self._caplog.clear()
            with self._caplog.at_level(logging.INFO):
                answer = Client(wsgi).open(path, environ_base={'HTTP_X_REQUEST_ID': 'r-1'},
                                           **{'method': 'POST', **options})
            lines = [record.getMessage().split(' ')[:3] for record in self._caplog.records
                     if record.name == 'mms.frontend.access_log']
            outcomes.append((answer.status, sorted(answer.headers), answer.data, counts.counts,
                             models.asked, lines))
        assert outcomes[0] == outcomes[1]
        return outcomes[0]


@pytest.fixture
def ways(caplog):
    return Ways(caplog)


@pytest.mark.parametrize('path', ['/m/predict', '/m/predict?a=b', '/a%20%C3%A9+/predict',
                                  '/x/y/predict'])
def test_a_prediction_is_answered_with_what_the_worker_wrote(ways, path):
    status, headers, data, counts, asked, _ = ways.ask(path, data={'data': '[1]'})
    assert (status, data) == ('200 OK', b'{"prediction":[1]}\n')
    assert headers == [('Access-Control-Allow-Origin', '*'), ('Content-Length', '19'),
                       ('Content-Type', 'application/json'), ('X-Request-Id', 'r-1')]
    [(name, request, _)] = asked
    assert request.protocol == CLASSIC
    assert counts == [('PredictionTotal', name), ({'inference': 2.0}, name)]


def test_a_reply_has_the_status_and_the_type_that_its_codec_gave_it(ways):
    status, headers, data, counts, *_ = ways.ask('/m/predict', data={'data': 'teapot'})
    assert (status, data) == ("418 I'M A TEAPOT", b'<tea/>')
    assert ('Content-Type', 'text/xml; charset=utf-8') in headers
    assert counts[-1] == ('Prediction4XX', 'm')


@pytest.mark.parametrize(('path', 'options', 'status'), [
    ('/m/predict', {'data': {'data': 'bad'}}, 400),
    ('/m/predict', {'data': {'data': 'fault'}}, 500),
    ('/m/predict', {'data': {'data': 'crowd'}}, 503),
    ('/m/predict', {'data': {'data': 'x' * 2000}}, 413),
    ('/m/predict', {'environ_overrides': {'CONTENT_LENGTH': '5'}}, 400),
    ('/m/predict', {'data': {}, 'headers': {'Origin': 'http://page.example'}}, 200),
    ('/m/predict', {'method': 'GET'}, 405), ('/m/predict', {'method': 'OPTIONS'}, 200),
    ('/m/predict/', {}, 404), ('//m/predict', {}, 404), ('/M/predict', {}, 404),
    ('/ping', {'method': 'GET'}, 200), ('/ping', {'method': 'F<O'}, 405),
    ('/none/predict', {'method': 'GET'}, 404), ('/none/predict', {'method': 'OPTIONS'}, 404),
])
def test_everything_is_answered_the_same_and_logged_once(ways, path, options, status):
    outcome = ways.ask(path, **options)
    assert outcome[0].startswith(str(status))
    assert len(outcome[5]) == 1


def test_a_wrong_method_is_told_which_are_right(ways):
    assert ('Allow', 'OPTIONS, POST') in ways.ask('/m/predict', method='GET')[1]
    assert ('Allow', 'GET, HEAD, OPTIONS') in ways.ask('/ping', method='PUT')[1]


@pytest.mark.parametrize(('headers', 'expected'), [
    ({}, {'Access-Control-Allow-Origin': '*'}),
    ({'Origin': 'http://a.b'}, {'Access-Control-Allow-Origin': 'http://a.b', 'Vary': 'Origin'}),
    ({'Origin': 'http://a.b', 'Access-Control-Request-Method': 'post',
      'Access-Control-Request-Headers': 'X-b, content-type'},
     {'Access-Control-Allow-Origin': 'http://a.b', 'Vary': 'Origin',
      'Access-Control-Allow-Headers': 'X-b, content-type',
      'Access-Control-Allow-Methods': 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT'}),
    ({'Origin': 'null', 'Access-Control-Request-Method': 'BREW',
      'Access-Control-Request-Private-Network': 'true'},
     {'Access-Control-Allow-Origin': 'null', 'Vary': 'Origin',
      'Access-Control-Allow-Private-Network': 'false'}),
])
def test_a_page_of_another_origin_may_ask(ways, headers, expected):
    status, answered, *_ = ways.ask('/m/predict', method='OPTIONS', headers=headers)
    assert status == '200 OK'
    assert {name: value for name, value in answered
            if name.startswith('Access-') or name == 'Vary'} == expected


def test_two_slashes_are_not_one(ways):
    outcome = ways.ask('/', method='GET', environ_overrides={'PATH_INFO': '//ping'})
    assert outcome[0].startswith('404')
    assert 'There is nothing at //ping' in str(outcome)


def test_a_server_that_knows_says_whether_the_client_has_left(ways):
    outcome = ways.ask('/m/predict', data={}, environ_overrides={
        'mms.client_left': lambda: True})
    assert [left for _, _, left in outcome[4]] == [True]
    assert [left for _, _, left in ways.ask('/m/predict', data={})[4]] == [False]


def test_a_full_queue_says_when_to_come_again(ways):
    assert ('Retry-After', '7') in ways.ask('/m/predict', data={'data': 'crowd'})[1]


def test_models_are_looked_up_at_each_request():
    models = Models('m')
    client = Client(application(models))
    assert client.post('/late/predict').status_code == 404
    models.names.append('late')
    assert client.post('/late/predict', data={'data': '1'}).status_code == 200
    models.names.remove('m')
    assert client.post('/m/predict').status_code == 404


def test_the_description_is_written_anew_when_the_models_have_changed():
    models, written = Models('m'), []

    def describe():
        written.append(1)
        return {'paths': list(models.names)}

    client = Client(application(models, describe=describe))
    models.names.append('late')
    assert client.get('/api-description').get_json() == {'description': {'paths': ['m']}}
    models.revision += 1
    for _ in range(2):
        assert client.get('/api-description').get_json()['description']['paths'] == ['m', 'late']
    assert len(written) == 2


def version_of(request):
    return json_response(200, {**request.parameters, 'method': request.method})


def test_an_entry_of_the_table_is_an_endpoint_either_way(ways):
    more = [Route(('GET', 'PUT'), '/models/<model>/versions/<version>', version_of, 'Version')]
    status, _, data, counts, _, lines = ways.ask('/models/x%2fy/versions/7', more_routes=more,
                                                 method='PUT')
    assert (status, json.loads(data)) == (
        '200 OK', {'model': 'x/y', 'version': '7', 'method': 'PUT'})
    assert (counts, lines) == ([('VersionTotal', 'x/y')], [['PUT', '/models/x/y/versions/7',
                                                            '200']])
    for path, method, expected in (
            ('/models/m/versions/7', 'HEAD', '200'), ('/models/m/versions/7', 'POST', '405'),
            ('/models/none/versions/7', 'GET', '404'), ('/models/m/versions/', 'GET', '404'),
            ('/models/m/versions/7/8', 'GET', '404')):
        assert ways.ask(path, more_routes=more, method=method)[0].startswith(expected)


@pytest.mark.parametrize('model', ['m', 'x/y'])
def test_an_endpoint_may_know_its_model_where_its_path_does_not_say(ways, model):
    predictor = Predictor(Models(), Counts(), 1000, ByteBudget())
    more = [Route(('POST',), '/ask', Predictions(predictor).predict, 'Prediction',
                  lambda request: model)]
    status, _, data, counts, *_ = ways.ask('/ask', more_routes=more, data={'data': '1'})
    assert (status, data) == ('200 OK', b'{"prediction":[1]}\n')
    assert counts == [('PredictionTotal', model)]
    assert {name for name, *_ in predictor.models.asked} == {model}


def test_an_endpoint_whose_model_is_not_known_answers_so_and_is_counted_for_none(ways):
    predictor = Predictor(Models(), Counts(), 1000, ByteBudget())
    more = [Route(('POST',), '/ask', Predictions(predictor).predict, 'Prediction',
                  lambda request: None)]
    status, _, data, counts, *_ = ways.ask('/ask', more_routes=more, data={'data': '1'})
    assert status == '404 NOT FOUND'
    assert json.loads(data)['message'] == '/ask is for no model that is served.'
    assert (counts, predictor.models.asked) == ([], [])


class Noting(Middleware):
    def __init__(self, name, notes, answer=None):
        self._name, self._notes, self._answer = name, notes, answer

    def before(self, request):
        self._notes.append(f'before {self._name}')

    def after(self, request, response):
        self._notes.append(f'after {self._name}')
        response.headers.append(('X-Seen', f'{self._name} {response.status}'))

    def error(self, request, error):
        self._notes.append(f'error {self._name}')
        return self._answer


def test_middleware_goes_in_and_comes_out_again():
    notes = []
    client = Client(application(Models(), None, Noting('outer', notes), Noting('inner', notes)))
    answer = client.get('/ping')
    assert notes == ['before outer', 'before inner', 'after inner', 'after outer']
    assert answer.headers.getlist('X-Seen') == ['inner 200', 'outer 200']


def test_an_error_is_offered_from_the_inside_out_until_it_is_answered():
    notes = []
    answer = json_response(409, {'it': 'is answered'})
    client = Client(application(Models(), None, Noting('outer', notes),
                                Noting('answering', notes, answer), Noting('inner', notes)))
    assert client.post('/m/predict', data={'data': 'bad'}).get_json() == {'it': 'is answered'}
    assert notes[3:] == ['error inner', 'error answering', 'after inner', 'after answering',
                         'after outer']


class Failing(Middleware):
    """Raises in one of its hooks."""

    def __init__(self, hook, error):
        setattr(self, f'_{hook}', error)

    def before(self, request):
        self._raise('_before')

    def after(self, request, response):
        self._raise('_after')

    def error(self, request, error):
        self._raise('_error')

    def _raise(self, hook):
        if hasattr(self, hook):
            raise getattr(self, hook)


@pytest.mark.parametrize('hook', ['before', 'after'])
@pytest.mark.parametrize(('error', 'status', 'text'), [
    (BadRequest('not so'), 400, 'not so'), (Conflict('not now'), 409, 'not now'),
    (ZeroDivisionError(), 500, 'its log says how')])
def test_an_error_in_middleware_is_answered_as_any_other(ways, hook, error, status, text):
    outcome = ways.ask('/ping', [Failing(hook, error)], method='GET')
    assert outcome[0].startswith(str(status))
    assert text in json.loads(outcome[2])['message']
    assert ('Access-Control-Allow-Origin', '*') in outcome[1]
    assert outcome[5] == [['GET', '/ping', str(status)]]


def test_an_error_over_an_error_is_answered_and_both_are_in_the_log(ways, caplog):
    outcome = ways.ask('/m/predict', [Failing('error', KeyError('worse'))],
                       data={'data': 'bad'})
    assert outcome[0].startswith('500')
    assert 'KeyError' in caplog.text


def test_an_embedder_may_add_hooks_and_pages_of_its_own():
    app = create_app('test', application(Models()))
    app.add_url_rule('/mine', endpoint='mine', view_func=lambda: 'my page')
    app.add_url_rule('/broken', endpoint='broken', view_func=lambda: 1 / 0)
    seen = []

    @app.before_request
    def check():
        seen.append(flask.request.path)
        if 'secret' in flask.request.args:
            flask.abort(401, 'Who are you?')

    client = app.test_client()
    assert client.get('/mine').text == 'my page'
    assert client.get('/ping').get_json() == {'health': 'healthy!'}
    refused = client.get('/ping?secret=1')
    assert (refused.status_code, refused.get_json()) == (401, {
        'code': 401, 'type': 'UnauthorizedException', 'message': 'Who are you?'})
    assert refused.headers['Access-Control-Allow-Origin'] == '*'
    assert client.get('/broken').get_json()['code'] == 500
    assert seen == ['/mine', '/ping', '/ping', '/broken']


class Rewound(io.BytesIO):
    """A body that begins anew once it was read to its end."""

    def read(self, size=-1):
        data = super().read(size)
        if not data:
            self.seek(0)
        return data


def test_a_request_without_a_body_of_known_length_is_no_special_case(ways):
    outcome = ways.ask('/m/predict', environ_overrides={
        'HTTP_TRANSFER_ENCODING': 'chunked', 'wsgi.input_terminated': True,
        'wsgi.input': Rewound(b'data=[1]'), 'CONTENT_LENGTH': ''})
    assert (outcome[0], outcome[4][0][1].body) == ('200 OK', b'data=[1]')


def test_what_a_route_counts_is_a_metric():
    predictor = Predictor(Models(), Counts(), 1000, ByteBudget())
    metrics = {metric.name: metric for metric in METRICS}
    counted = [route for route in routes(predictor, dict, Healthy()) if route.metric]
    assert counted
    for route in counted:
        is_of_a_model = '<model>' in route.path or route.model is not None
        ends = ('Total', '4XX', '5XX') if is_of_a_model else ('Total',)
        assert {metrics[route.metric + end].per_model for end in ends} == {is_of_a_model}
