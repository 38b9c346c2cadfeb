"""The console of a whole server: with front processes, with tokens, embedded, and without it."""

import re

import pytest
import requests
from harness import write_archive

from mms.mxnet_model_server import MMS

TOKENS = {'predict': 'p' * 32, 'metrics': 's' * 32, 'manage': 'm' * 32}


@pytest.fixture
def words(tmp_path):
    return ['--models', f"m={write_archive(tmp_path, 'm')}"]


def script_of(page):
    return re.search(r'src="(console/\w+/app\.js)"', page)[1]


@pytest.mark.parametrize('number', ['auto', 2])
def test_front_processes_have_it_too(serve, words, number):
    server = serve(*words, '--front-processes', number)
    with requests.Session() as client:
        page = client.get(f'{server.url}/console', timeout=60)
        script = client.get(f'{server.url}/{script_of(page.text)}', timeout=60)
        assert script.headers['Content-Encoding'] == 'gzip'
        assert script.text.startswith('// ')
        again = client.get(script.url, headers={'If-None-Match': script.headers['ETag']},
                           timeout=60)
        assert (again.status_code, again.content) == (304, b'')
        # The connection goes on after an answer that has no body.
        server.post_text('m', '[[1]]')
        state = client.get(f'{server.url}/console/state', timeout=60).json()
        assert state['models']['m']['requests'] == {'200': 1}
        assert state['server']['management'] is None
        told = client.get(f'{server.url}/console/models', timeout=60).json()
        assert told['models']['m']['path'] == 'm/predict'
        assert told['revision'] == state['server']['revision']


def test_the_page_needs_no_token_and_what_it_shows_does(serve, words, tmp_path):
    file = tmp_path / 'tokens'
    file.write_text(''.join(f'{token} {scope}\n' for scope, token in TOKENS.items()))
    file.chmod(0o600)
    server = serve(*words, '--auth-token-file', file, '--management-port', 0)
    management = re.search(r'Management at (\S+)', server.stdout)[1]

    def status(url, scope=''):
        headers = {'Authorization': f'Bearer {TOKENS[scope]}'} if scope else {}
        return requests.get(url, headers=headers, timeout=60).status_code

    for url in (server.url, management):
        page = requests.get(f'{url}/console', timeout=60)
        assert page.status_code == 200
        assert '<meta name="mms"' in page.text
        assert status(f'{url}/{script_of(page.text)}') == 200
        # No name of a model is told without a token.
        assert '"m"' not in page.text
    assert {scope: (status(f'{server.url}/console/models', scope),
                    status(f'{server.url}/console/state', scope))
            for scope in ('', *TOKENS)} == {
        '': (401, 401), 'predict': (200, 403), 'metrics': (200, 200), 'manage': (200, 403)}
    assert status(f'{management}/models') == 401
    # The management port speaks for itself: no page of another origin may ask it.
    answer = requests.get(f'{management}/models', timeout=60, headers={
        'Authorization': f"Bearer {TOKENS['manage']}", 'Origin': server.url})
    assert 'Access-Control-Allow-Origin' not in answer.headers
    assert status(f'{management}/console/state', 'manage') == 404


def test_a_server_without_it_has_no_page_on_any_port(serve, words):
    server = serve(*words, '--no-console', '--management-port', 0)
    management = re.search(r'Management at (\S+)', server.stdout)[1]
    for path in ('/console', '/console/state', '/console/models'):
        assert server.get(path).status_code == 404
        assert requests.get(management + path, timeout=60).status_code in (401, 404)
    assert server.get('/ping').status_code == 200


def test_an_embedding_program_has_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server = MMS(args=['--models', f"m={write_archive(tmp_path, 'm')}"])
    app = server.create_app()
    try:
        client = app.test_client()
        page = client.get('/console')
        assert page.status_code == 200
        assert client.get(f'/{script_of(page.text)}').status_code == 200
        client.post('/m/predict', data={'data': '[[1]]'})
        state = client.get('/console/state').get_json()
        assert state['models']['m']['requests'] == {'200': 1}
        assert list(client.get('/console/models').get_json()['models']) == ['m']
    finally:
        server.close()


def test_a_model_of_that_name_is_asked_as_any_other(serve, tmp_path):
    server = serve('--models', f"console={write_archive(tmp_path, 'console')}")
    assert server.post_text('console', '[[1]]').json() == {'prediction': [[[1]]]}
    assert server.get('/console').status_code == 200
    assert server.get('/console/predict').status_code == 405
