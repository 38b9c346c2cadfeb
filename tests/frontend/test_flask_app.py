"""What an embedder adds to the Flask application works as in any other."""

import logging

import flask
import pytest
from front import application
from werkzeug.exceptions import HTTPException

from mms.errors import BadRequest, RequestError
from mms.frontend.flask_app import create_app
from mms.frontend.middleware import Middleware


class Models(dict):
    revision = 0

    def submit(self, name, request, caller):
        raise BadRequest('it is bad')

    def ill_health(self):
        return {}


class Failing(Middleware):
    def after(self, request, response):
        raise BadRequest('not so')


@pytest.fixture
def app():
    app = create_app('test', application(Models(m=1)))
    app.add_url_rule('/mine', endpoint='mine', view_func=lambda: 'my page')
    return app


def test_its_pages_may_be_read_by_pages_of_every_origin_and_are_in_the_log(app, caplog):
    with caplog.at_level(logging.INFO):
        answer = app.test_client().get('/mine', headers={'Origin': 'http://a.b'})
    assert (answer.text, answer.headers['Access-Control-Allow-Origin'],
            answer.headers['Vary']) == ('my page', 'http://a.b', 'Origin')
    assert [record.getMessage()[:13] for record in caplog.records] == ['GET /mine 200']


def test_a_wrong_method_for_its_page_is_told_which_are_right(app):
    answer = app.test_client().put('/mine')
    assert (answer.status_code, answer.headers['Allow']) == (405, 'GET, HEAD, OPTIONS')
    assert answer.get_json()['type'] == 'MethodNotAllowedException'


def test_its_page_for_every_path_leaves_the_endpoints_as_they_are(app):
    app.add_url_rule('/<path:rest>', endpoint='rest', view_func=lambda rest: f'page {rest}')
    client = app.test_client()
    assert client.get('/ping').get_json() == {'health': 'healthy!'}
    assert client.post('/m/predict').get_json()['message'] == 'it is bad'
    assert client.get('/else/where').text == 'page else/where'
    assert client.get('/', environ_overrides={'PATH_INFO': '//mine'}).status_code == 404


def test_it_may_take_another_method_of_an_endpoint(app):
    app.add_url_rule('/ping', endpoint='mine', view_func=app.view_functions['mine'],
                     methods=['POST'])
    assert app.test_client().post('/ping').text == 'my page'
    assert app.test_client().get('/ping').get_json() == {'health': 'healthy!'}


def test_what_its_hook_answers_has_the_headers_of_all_answers(app):
    @app.before_request
    def refuse():
        return 'no', 403

    answer = app.test_client().post('/m/predict')
    assert (answer.status_code, answer.headers['Access-Control-Allow-Origin']) == (403, '*')


def test_its_hooks_know_the_endpoints_by_name(app):
    seen = []
    app.before_request(lambda: seen.append(flask.request.endpoint))
    client = app.test_client()
    for path in ('/', '/ping', '/api-description'):
        client.get(path)
    client.post('/m/predict')
    assert seen == ['root', 'ping', 'api-description', 'predict']


@pytest.mark.parametrize('kind', [HTTPException, 404])
def test_its_handler_of_errors_answers_for_a_path_that_nobody_has(app, kind):
    app.register_error_handler(kind, lambda error: (f'none: {error.code}', 404))
    client = app.test_client()
    for path in ('/none', '/none/predict', '/M/predict'):
        answer = client.post(path)
        assert (answer.text, answer.headers['Access-Control-Allow-Origin']) == ('none: 404', '*')


def test_its_handler_of_errors_answers_for_a_refused_request(app):
    app.register_error_handler(RequestError, lambda error: (f'sorry: {error}', error.status))
    answer = app.test_client().post('/m/predict')
    assert (answer.status_code, answer.text) == (400, 'sorry: it is bad')


def test_its_handler_of_all_errors_leaves_the_known_ones_as_they_are(app):
    app.register_error_handler(Exception, lambda error: ('mine', 500))
    app.add_url_rule('/broken', endpoint='broken', view_func=lambda: 1 / 0)
    assert app.test_client().post('/m/predict').get_json()['message'] == 'it is bad'
    assert app.test_client().get('/broken').text == 'mine'


def test_headers_that_it_has_set_stay(app):
    @app.after_request
    def ours_alone(response):
        response.headers['Access-Control-Allow-Origin'] = 'http://mine'
        return response

    assert app.test_client().get('/ping').headers.getlist('Access-Control-Allow-Origin') == [
        'http://mine']


def test_middleware_that_fails_over_its_page_is_answered_as_any_other_failure():
    app = create_app('test', application(Models(), None, Failing()))
    app.add_url_rule('/mine', endpoint='mine', view_func=lambda: 'my page')
    answer = app.test_client().get('/mine')
    assert (answer.status_code, answer.get_json()['message']) == (400, 'not so')


def test_a_request_that_is_answered_is_no_part_of_its_environment(app):
    for path in ('/mine', '/none', '/m/predict'):
        answer = app.test_client().post(path)
        assert not [name for name in answer.request.environ if name.startswith('mms.')]
