"""Who is refused, and what those are told: the server's own application and Flask's alike."""

import logging

import flask
import pytest
from front import application
from werkzeug.test import Client

from mms.config.cors_origins import EVERY_ORIGIN, NO_ORIGIN, Origins
from mms.frontend.access.control import Access
from mms.frontend.access.scopes import ANY, MANAGE, METRICS, OPEN, PREDICT
from mms.frontend.access.tokens import Token, Tokens, digest_of
from mms.frontend.exchange import Route, json_response
from mms.frontend.flask_app import create_app
from mms.frontend.routing import Table
from mms.ipc.request import Reply
from mms.metrics.refusals import Refusals

TOKENS = Tokens([Token(digest_of('p'), PREDICT, 'app'), Token(digest_of('m'), METRICS),
                 Token(digest_of('all'), ANY)])
REALM = 'Bearer realm="mxnet-model-server"'
PAGE = 'https://page.example'
HERE = {'REMOTE_ADDR': '127.0.0.1'}


class Models:
    revision = 0
    names = ('m',)

    def __contains__(self, name):
        return name in self.names

    def submit(self, name, request, caller):
        return Reply(b'{"prediction":[1]}\n', {})

    def ill_health(self):
        return {}


class Unread:
    """A body that nobody may read."""

    def read(self, *_):
        raise AssertionError


def fine(request):
    return json_response(200, {})


MORE = [Route(('GET',), '/forgotten', fine), Route(('GET',), '/metrics', fine, scopes=METRICS),
        Route(('GET',), '/mixed', fine, scopes=METRICS),
        Route(('PUT',), '/mixed', fine, scopes=MANAGE)]


def wsgi(way, access):
    made = application(Models(), None, *access.control(), more_routes=MORE)
    return create_app('test', made) if way == 'Flask application' else made


@pytest.fixture(params=['application', 'Flask application'])
def ask(request):
    """Ask with a token, or without."""
    def ask(path, method='POST', token=None, origins=EVERY_ORIGIN, **headers):
        client = Client(wsgi(request.param, Access(TOKENS, origins, Refusals())))
        sent = {'Authorization': f'Bearer {token}'} if token else {}
        return client.open(path, method=method, headers={
            **sent, **{name.replace('_', '-'): value for name, value in headers.items()}})

    return ask


@pytest.mark.parametrize(('path', 'method'), [
    ('/m/predict', 'POST'), ('/m/predict', 'GET'), ('/none/predict', 'POST'), ('/none', 'GET'),
    ('/m/predict/', 'POST'), ('/ping', 'DELETE'),
    ('/api-description', 'GET'), ('/api-description', 'HEAD'), ('/forgotten', 'GET'),
    ('/m/predict', 'OPTIONS'), ('/none/predict', 'OPTIONS'), ('/m/predict', 'BREW')])
def test_without_a_token_nothing_is_told_of_what_there_is(ask, path, method):
    answer = ask(path, method)
    assert (answer.status_code, answer.headers['WWW-Authenticate']) == (401, REALM)
    assert 'Allow' not in answer.headers
    if method != 'HEAD':
        assert answer.get_json() == {
            'code': 401, 'type': 'UnauthorizedException',
            'message': 'This server asks for a token: send the header Authorization: Bearer TOKEN, '
                       'or X-API-Key: TOKEN.'}


@pytest.mark.parametrize('path', ['/ping', '/', '/health/live', '/health/ready', '/health/startup'])
@pytest.mark.parametrize('method', ['GET', 'HEAD', 'OPTIONS'])
def test_probes_need_none(ask, path, method):
    assert ask(path, method).status_code == 200
    assert ask(path, method, 'wrong').status_code == 200


@pytest.mark.parametrize('headers', [
    {'token': 'wrong'}, {'X_API_Key': 'wrong'}, {'Authorization': 'Bearer'},
    {'token': 'p', 'X_API_Key': 'all'}])
def test_a_wrong_token_is_told_as_one(ask, headers):
    answer = ask('/m/predict', **headers)
    assert (answer.status_code, answer.headers['WWW-Authenticate']) == (
        401, f'{REALM}, error="invalid_token"')
    assert answer.get_json()['message'] == (
        'The token of the request is none that this server takes.')


@pytest.mark.parametrize(('path', 'method', 'token', 'scope'), [
    ('/m/predict', 'POST', 'm', 'predict'), ('/none/predict', 'POST', 'm', 'predict'),
    ('/m/predict', 'GET', 'm', 'predict'), ('/metrics', 'GET', 'p', 'metrics'),
    ('/forgotten', 'GET', 'p', 'manage'), ('/mixed', 'PUT', 'm', 'manage')])
def test_a_token_for_something_else_is_a_403_that_says_which_scope(ask, path, method, token, scope):
    answer = ask(path, method, token)
    assert (answer.status_code, answer.headers['WWW-Authenticate']) == (
        403, f'{REALM}, error="insufficient_scope", scope="{scope}"')
    assert answer.get_json() == {
        'code': 403, 'type': 'ForbiddenException',
        'message': f'The token of the request has not the scope {scope}, which this needs.'}


@pytest.mark.parametrize(('path', 'method', 'token', 'status'), [
    ('/m/predict', 'POST', 'p', 200), ('/m/predict', 'GET', 'p', 405), ('/x', 'GET', 'p', 404),
    ('/api-description', 'GET', 'm', 200),
    ('/metrics', 'GET', 'm', 200), ('/mixed', 'OPTIONS', 'm', 200), ('/mixed', 'GET', 'm', 200),
    ('/forgotten', 'GET', 'all', 200)])
def test_a_token_that_is_good_for_it_is_answered(ask, path, method, token, status):
    assert ask(path, method, token).status_code == status
    assert ask(path, method, X_API_Key=token).status_code == status


def test_no_body_is_read_of_who_is_refused():
    for way in ('application', 'Flask application'):
        client = Client(wsgi(way, Access(TOKENS, EVERY_ORIGIN, Refusals())))
        answer = client.post('/m/predict', environ_overrides={
            'wsgi.input': Unread(), 'CONTENT_LENGTH': '1000'})
        assert answer.status_code == 401


@pytest.mark.parametrize('path', ['/m/predict', '/none/predict', '/x'])
def test_a_browser_asks_without_a_token_whether_a_page_may_ask(ask, path):
    asked = {'Origin': PAGE, 'Access_Control_Request_Method': 'POST',
             'Access_Control_Request_Headers': 'authorization'}
    answer = ask(path, 'OPTIONS', origins=Origins(PAGE), **asked)
    assert (answer.status_code, answer.data, answer.headers.get('Allow')) == (200, b'', None)
    assert answer.headers['Access-Control-Allow-Headers'] == 'authorization'
    for origins in (Origins('https://other.example'), NO_ORIGIN):
        assert ask(path, 'OPTIONS', origins=origins, **asked).status_code == 401
    assert ask(path, 'OPTIONS', Origin=PAGE).status_code == 401


def test_a_page_may_read_why_it_was_refused(ask):
    answer = ask('/m/predict', Origin=PAGE)
    assert answer.headers['Access-Control-Allow-Origin'] == PAGE
    assert 'WWW-Authenticate' in answer.headers['Access-Control-Expose-Headers']


def test_routes_that_somebody_adds_to_the_flask_application_are_theirs():
    app = wsgi('Flask application', Access(TOKENS, EVERY_ORIGIN, Refusals()))
    app.add_url_rule('/mine/', view_func=lambda: flask.jsonify('mine'))
    client = app.test_client()
    assert client.get('/mine/').get_json() == 'mine'
    assert client.get('/mine').status_code == 308
    assert client.get('/none').status_code == 401


def test_a_route_of_which_nobody_has_thought_needs_the_strictest_scope():
    assert Route(('GET',), '/', fine).scopes == MANAGE


def test_what_a_path_takes_is_told_to_who_may_use_any_of_it():
    table = Table(MORE, Models())
    assert table.find('/mixed', 'OPTIONS')[0].scopes == METRICS | MANAGE
    opened = Table([*MORE, Route(('POST',), '/mixed', fine, scopes=OPEN)], Models())
    assert opened.find('/mixed', 'OPTIONS')[0].scopes == OPEN


def test_without_tokens_nobody_is_refused_and_all_is_told():
    access = Access(None, EVERY_ORIGIN, Refusals())
    assert access.control() == []
    assert access.sees_all(None)


@pytest.mark.parametrize('way', ['application', 'Flask application'])
def test_a_path_with_two_slashes_is_told_as_any_other(way):
    client = Client(wsgi(way, Access(TOKENS, EVERY_ORIGIN, Refusals())))
    for token, status in (('', 401), ('m', 403), ('p', 404)):
        answer = client.get('/', environ_overrides={'PATH_INFO': '//ping'},
                            headers={'X-API-Key': token} if token else {})
        assert answer.status_code == status


@pytest.mark.parametrize('way', ['application', 'Flask application'])
def test_who_tries_tokens_out_is_counted_and_fills_no_log(way, caplog):
    counted = Refusals()
    client = Client(wsgi(way, Access(TOKENS, EVERY_ORIGIN, counted)))
    with caplog.at_level(logging.INFO, 'mms.metrics'):
        for number in range(50):
            assert client.post('/m/predict', headers={'X-API-Key': str(number)},
                               environ_base=HERE).status_code == 401
        assert client.get('/metrics', headers={'X-API-Key': 'p'},
                          environ_base=HERE).status_code == 403
        assert client.post('/m/predict', headers={'X-API-Key': 'p'}).status_code == 200
    counts = counted.counts()
    assert (counts['unauthorized'], counts['forbidden'], sum(counts.values())) == (50, 1, 51)
    *wrong, forbidden = [record.getMessage() for record in caplog.records]
    assert set(wrong) == {
        '127.0.0.1 is refused: The token of the request is none that this server takes.'}
    assert len(wrong) <= 11
    assert forbidden == ('127.0.0.1 is refused, token app: The token of the request has not the '
                         'scope metrics, which this needs.')
