"""Tokens at all ports of a running server: who is answered, and what is told to whom."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys

import psutil
import pytest
import requests
from front import Healthy
from harness import REPO, SERVICE, Server, until, write_archive

from mms.frontend.api.health import health_routes
from mms.frontend.api.metrics import metrics_routes
from mms.frontend.management.application import management_routes
from mms.frontend.management.models_api import ModelsAPI
from mms.frontend.predictor import Predictor
from mms.frontend.routes import routes
from mms.metrics.exposition import Exposition
from mms.metrics.server_metrics import ServerMetrics
from mms.runtime.byte_budget import ByteBudget

PREDICT, METRICS, MANAGE = 'predict-' * 4, 'metrics-' * 4, 'manage-' * 4
TOKENS = f'{PREDICT} predict the-app\n{METRICS} metrics\n{MANAGE} manage\n'
# What probes ask: nothing else is answered without a token.
PROBES = {'/', '/ping', '/health/live', '/health/ready', '/health/startup', '/v2/health/live',
          '/v2/health/ready'}
SICK = SERVICE.format(body='        return data').replace(
    "return 'fine'", "raise OSError('/secret')")
PAGE = 'https://page.example'


class Locked(Server):
    """A server that asks for tokens."""

    def __init__(self, folder, *words, tokens=TOKENS):
        folder.mkdir(exist_ok=True)
        self.tokens = folder / 'tokens'
        self.tokens.touch(0o600)
        self.tokens.write_text(tokens)
        super().__init__(folder, ['--auth-token-file', str(self.tokens), '--workers', '1',
                                  '--metrics-port', '0', '--management-port', '0',
                                  *map(str, words)])

    def wait_until_up(self, seconds=120):
        super().wait_until_up(seconds)
        self.management = re.search(r'Management endpoint: (\S+)', self.log)[1]
        self.metrics = 'http://' + re.search(r'metrics endpoint: (\S+)/metrics', self.log)[1]
        return self

    def ask(self, method, path, token=None, port=None, **headers):
        sent = {'Authorization': f'Bearer {token}'} if token else {}
        return requests.request(method, (port or self.url) + path, headers={**sent, **headers},
                                timeout=60)


class Model:
    names, revision = ('m',), 0

    def __contains__(self, name):
        return name == 'm'


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp('locked')
    sick = write_archive(folder, 'sick', source=SICK)
    server = Locked(folder / 'server', '--models', f"m={write_archive(folder, 'm')}",
                    f'sick={sick}', '--required-models', 'm', '--cors-origins', PAGE,
                    '--log-level', 'DEBUG')
    yield server.wait_until_up()
    server.stop()


def listed():
    """Name of a port, and method, path and scopes of each route that it has."""
    exposition = Exposition(ServerMetrics(), (), ())
    health = health_routes(Healthy())
    ports = {
        'url': [*routes(Predictor(Model(), None, 1, ByteBudget()), dict, Healthy()),
                *metrics_routes(exposition)],
        'metrics': [*metrics_routes(exposition), *health],
        'management': [*management_routes(ModelsAPI), *health]}
    for port, table in ports.items():
        for route in table:
            for method in route.methods:
                yield (port, method, re.sub('<.*?>', 'm', route.path),
                       {scope.value for scope in route.scopes})


@pytest.mark.parametrize(('port', 'method', 'path', 'scopes'), list(listed()))
def test_every_route_of_every_port_asks_for_a_token_of_its_scope_but_probes(
        server, port, method, path, scopes):
    def status(token):
        return server.ask(method, path, token, getattr(server, port)).status_code

    if (path in PROBES and port != 'management') or path in PROBES - {'/', '/ping'}:
        assert status(None) in (200, 503)
        return
    assert scopes
    for token in (None, 'wrong'):
        answer = server.ask(method, path, token, getattr(server, port))
        assert answer.status_code == 401
        realm = 'mxnet-model-server' + (' management' if port == 'management' else '')
        assert answer.headers['WWW-Authenticate'] == f'Bearer realm="{realm}"' + (
            ', error="invalid_token"' if token else '')
        assert answer.json().keys() == ({'error'} if path.startswith('/v2')
                                        else {'code', 'type', 'message'})
    for token in (PREDICT, METRICS, MANAGE):
        # Those that may ask change nothing here.
        if token.partition('-')[0] not in scopes:
            assert status(token) == 403
        elif method in ('GET', 'OPTIONS') and '/versions/m' not in path:
            assert status(token) == 200


@pytest.mark.parametrize(('port', 'token'), [('url', PREDICT), ('metrics', METRICS),
                                             ('management', MANAGE)], ids=lambda value: value[:7])
def test_what_is_not_there_is_told_to_who_may_ask_alone(server, port, token):
    for path in ('/none', '/none/predict', '/models/none/none', '/health/none'):
        where = getattr(server, port)
        assert server.ask('GET', path, port=where).status_code == 401
        assert server.ask('GET', path, token, where).status_code == 404


def test_a_token_in_either_header_is_answered_and_named_in_the_log(server):
    for headers in ({'Authorization': f'bearer {PREDICT}'}, {'X-API-Key': PREDICT}):
        answer = requests.post(f'{server.url}/m/predict', data={'data': '[1]'}, timeout=60,
                               headers=headers)
        assert answer.json() == {'prediction': [[1]]}
    until(lambda: len(re.findall(r'POST /m/predict 200 .* token=the-app', server.log)) >= 2)


def test_a_refused_upload_is_not_asked_for_and_not_read(server):
    with socket.create_connection(('127.0.0.1', server.port), 60) as sock:
        sock.sendall(b'POST /m/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n'
                     b'Expect: 100-continue\r\n\r\n')
        answer = b''
        while piece := sock.recv(65536):
            answer += piece
    head, _, body = answer.partition(b'\r\n\r\n')
    assert head.startswith(b'HTTP/1.1 401 ')
    assert b'Connection: close' in head
    assert json.loads(body)['type'] == 'UnauthorizedException'


def test_who_is_refused_is_counted_for_no_model(server):
    for token in (None, METRICS):
        assert server.ask('POST', '/sick/predict', token).status_code in (401, 403)
    refused = re.findall(r'mms_requests_total\{(.*code="40[13]".*)\}',
                         server.ask('GET', '/metrics', METRICS).text)
    assert refused
    assert not [labels for labels in refused if 'sick' in labels]


def test_a_refused_client_that_sends_its_body_all_the_same_gets_its_answer(server):
    for _ in range(3):
        connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60)
        connection.request('POST', '/m/predict', b'x' * 3_000_000)
        assert connection.getresponse().status == 401
        connection.close()


def test_probes_without_a_token_tell_states_and_neither_names_nor_reasons(server):
    for port in (server.url, server.metrics, server.management):
        until(lambda where=port: 'degraded' in server.ask('GET', '/health/ready', port=where).text)
        told = server.ask('GET', '/health/ready', port=port)
        assert told.status_code == 200
        assert told.json()['states'] == {'ready': 1, 'degraded': 1}
        assert told.json().keys() == {'status', 'server', 'since', 'states'}
        assert 'sick' not in told.text
        known = server.ask('GET', '/health/ready', MANAGE, port)
        assert '/secret' in known.json()['models']['sick']['reason']


def test_a_page_may_ask_where_it_is_named_and_no_other(server):
    asked = {'Access-Control-Request-Method': 'POST',
             'Access-Control-Request-Headers': 'authorization'}
    for origin, allowed in ((PAGE, PAGE), ('https://other.example', None), (None, None)):
        headers = {'Origin': origin} if origin else {}
        preflight = server.ask('OPTIONS', '/m/predict', **asked, **headers)
        assert preflight.status_code == (200 if allowed else 401)
        for answer in (preflight, server.ask('GET', '/ping', **headers),
                       server.ask('POST', '/m/predict', **headers)):
            assert answer.headers.get('Access-Control-Allow-Origin') == allowed
            assert answer.headers['Vary'] == 'Origin'
            assert allowed or not [name for name in answer.headers if name.startswith('Access')]


def test_what_is_no_request_is_told_to_no_page(server):
    with socket.create_connection(('127.0.0.1', server.port), 60) as sock:
        sock.sendall(b'NO REQUEST\r\n\r\n')
        assert b'Access-Control' not in sock.recv(65536)


def test_pages_are_told_nothing_by_the_other_ports(server):
    for port in (server.metrics, server.management):
        answer = server.ask('GET', '/health/ready', port=port, Origin=PAGE)
        assert not [name for name in answer.headers if name.startswith('Access')]
        preflight = server.ask('OPTIONS', '/models', port=port, Origin=PAGE,
                               **{'Access-Control-Request-Method': 'DELETE'})
        assert preflight.status_code == 401


def test_the_description_says_where_a_token_goes(server):
    document = server.ask('GET', '/api-description', PREDICT).json()['description']
    assert document['securityDefinitions'] == {
        'token': {'type': 'apiKey', 'in': 'header', 'name': 'X-API-Key'}}
    assert document['security'] == [{'token': []}]
    assert document['paths']['/ping']['get']['security'] == []


def test_models_are_managed_with_a_token_of_that_scope(server, tmp_path):
    def models(*words):
        done = subprocess.run(
            [sys.executable, '-m', 'mms', 'models', *words, '--management', server.management],
            capture_output=True, text=True, cwd=tmp_path,
            env={**os.environ, 'PYTHONPATH': str(REPO), 'MMS_MANAGEMENT_TOKEN': ''})
        return done.returncode, done.stdout + done.stderr

    status, told = models('list', '--token', str(server.tokens))
    assert (status, {one['modelName'] for one in json.loads(told)}) == (0, {'m', 'sick'})
    (tmp_path / 'other').write_text(f'{PREDICT}\n')
    status, told = models('list', '--token', str(tmp_path / 'other'))
    assert (status, len(told.splitlines())) == (1, 1)
    assert 'has not the scope manage' in told
    assert list(server.temporary.glob('**/*.token')) == []


def test_no_token_is_in_a_log_a_metric_a_command_line_or_a_worker(server):
    for token in (PREDICT, 'wrong-' * 5):
        server.ask('POST', '/m/predict', token, **{'X-Request-Id': f'seen-{token[:5]}'})
        server.ask('GET', f'/none?token={token[:3]}', token)
    until(lambda: 'seen-wrong' in server.log)
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    seen = [server.log, server.stdout, server.stderr,
            server.ask('GET', '/metrics', METRICS).text,
            *(word for process in processes for word in process.cmdline()),
            *(value for process in processes for value in process.environ().values())]
    for token in (PREDICT, METRICS, MANAGE, 'wrong-' * 5):
        assert not [text for text in seen if token in text]


@pytest.fixture
def locked(tmp_path):
    started = []

    def start(*words, **options):
        started.append(Locked(tmp_path / f'locked{len(started)}', *words, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_tokens_are_exchanged_while_the_server_answers(locked):
    server = locked('--required-models', 'none', '--management-token', 'own',
                    tokens=f'{PREDICT} predict\n')
    own = server.folder / 'own'
    own.write_text('own-token\n')
    server.wait_until_up()
    # Both files are taken on the management port, and that of its own nowhere else.
    assert server.ask('GET', '/models', 'own-token', server.management).status_code == 200
    assert server.ask('GET', '/api-description', 'own-token').status_code == 401
    assert server.ask('GET', '/models', PREDICT, server.management).status_code == 403
    server.tokens.write_text(f'{PREDICT} predict\n{MANAGE} manage\n')
    until(lambda: server.ask('GET', '/models', MANAGE, server.management).status_code == 200)
    server.tokens.write_text(f'{MANAGE} manage\n')
    server.process.send_signal(signal.SIGHUP)
    until(lambda: server.ask('GET', '/api-description', PREDICT).status_code == 401)
    server.tokens.write_text('broken\n')
    until(lambda: 'The tokens stay as they were: --auth-token-file' in server.log)
    assert server.ask('GET', '/api-description', MANAGE).status_code == 200
    assert 'The tokens were read again: there are 2.' in server.log
    assert 'broken' not in server.log


def test_a_file_that_is_wrong_is_one_line_that_shows_nothing_of_it(locked):
    server = locked(tokens=f'{PREDICT}\n')
    assert server.wait() == 1
    [line] = server.stderr.splitlines()
    assert f"--auth-token-file '{server.tokens}' has not two or three words in line 1: " in line
    assert PREDICT not in line
