"""Servers with a management port: how they start, what they ask for, and how they stop."""

import http.server
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from harness import until, write_archive
from test_management import WAITS, Managed

TWICE = 'return [2 * data[0][0][0]]'


@pytest.fixture
def managed(tmp_path):
    """Start a server with a management port; it is stopped when the test ends."""
    servers = []

    def start(*words, **options):
        server = Managed(tmp_path / f'server{len(servers)}', [
            '--management-port', '0', '--workers', '1', *map(str, words)], **options)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def waits(tmp_path):
    """An archive that loads when it is told to, and where it says that it has begun."""
    marker, go = tmp_path / 'began', tmp_path / 'go'
    yield write_archive(tmp_path, 'waits', source=WAITS.format(
        marker=str(marker), go=str(go))), marker, go
    go.touch()


class Endless(http.server.BaseHTTPRequestHandler):
    """Says of an archive that it is larger than any disk."""

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', str(2**60))
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def endless():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


def test_a_server_starts_with_no_model_and_gets_one_from_anywhere(managed, tmp_path, endless):
    server = managed('--max-download-size', '2000000000G').wait_until_up()
    assert 'Serving 0 models at ' in server.stdout
    until(lambda: f'Management at {server.management}  (its token is in ' in server.stdout)
    assert server.get('/ping').json() == {'health': 'healthy!'}
    path = write_archive(tmp_path, 'a', TWICE)
    answer = server.manage('POST', '/models', json={'url': path})
    assert answer.json() == {'status': 'Model "a" registered'}
    assert server.predicted('a') == [2]
    assert '/a/predict' in server.get('/api-description').json()['description']['paths']
    full = server.manage('POST', f'/models?url={endless}/b.model')
    assert (full.status_code, full.json()['type']) == (507, 'InternalServerException')
    assert 'the disk is full' in full.json()['message']
    gone = server.manage('POST', '/models?url=http://127.0.0.1:1/b.model')
    assert (gone.status_code, gone.json()['type']) == (400, 'DownloadModelException')
    assert server.stop() == 0
    assert not os.path.exists(server.token_path)


def test_models_are_seen_while_those_of_the_start_load_and_none_is_changed(managed, waits):
    archive, began, go = waits
    server = managed('--models', f'a={archive}')
    until(began.exists)
    until(server.told_management)
    server.find_management()
    assert server.described('a')['status'] == 'loading'
    answer = server.manage('POST', f'/models?url={archive}')
    assert (answer.status_code, answer.headers['Retry-After']) == (503, '1')
    assert 'still being loaded' in answer.json()['message']
    go.touch()
    server.wait_until_up()
    assert server.described('a')['status'] == 'ready'


def test_a_server_that_stops_gives_up_what_it_loads(managed, waits):
    archive, began, _ = waits
    server = managed().wait_until_up()
    with ThreadPoolExecutor() as threads:
        load = threads.submit(server.manage, 'POST', f'/models?url={archive}')
        until(began.exists)
        assert server.stop(signal.SIGTERM) == 0
    answer = load.result()
    assert answer.status_code == 503
    assert answer.json()['message'] == 'Model waits is not loaded: the server stops.'
    assert list(server.temporary.glob('mms-*/*')) == []


def test_the_tokens_of_a_file_are_taken(managed, tmp_path):
    (tmp_path / 'tokens').write_text('old\nnew\n')
    server = managed('--management-token', tmp_path / 'tokens').wait_until_up()
    assert server.token_path == str(tmp_path / 'tokens')
    for token, code in (('old', 200), ('new', 200), ('other', 401)):
        answer = requests.get(f'{server.management}/models', timeout=60,
                              headers={'Authorization': f'Bearer {token}'})
        assert answer.status_code == code


def test_without_a_token_nothing_is_loaded_but_from_the_store_and_by_no_page(
        managed, tmp_path):
    archive = write_archive(tmp_path, 'a', TWICE)
    server = managed('--models', f'a={archive}', '--management-token', 'none')
    port = until(lambda: re.search(r'Management at (\S+)  \(it asks for no token\)',
                                   server.stdout), 60).group(1)

    def asked(method, path, **headers):
        return requests.request(method, port + path, headers=headers, timeout=60).status_code

    assert asked('GET', '/models/a') == 200
    assert asked('POST', f'/models?url={archive}&model_name=b') == 403
    assert asked('PUT', f'/models/a?url={archive}') == 403
    assert asked('DELETE', '/models/a', Origin='http://page') == 403
    assert asked('PUT', '/models/a?min_worker=2', Origin='null') == 403
    assert asked('DELETE', '/models/a') == 200
    assert 'asks for no token (--management-token none)' not in server.log


def test_a_port_that_anybody_may_reach_and_use_is_warned_of(managed):
    server = managed('--management-host', '0.0.0.0', '--management-token', 'none')
    until(lambda: re.search(r'\[WARNING .*it listens on 0\.0\.0\.0, and asks for no token',
                            server.log), 60)


@pytest.mark.parametrize(('words', 'message'), [
    (['--management-token', 'none.txt'],
     "--management-token 'none.txt' cannot be read: No such file or directory"),
    (['--model-store', 'none'], "--model-store 'none' does not exist"),
    (['--management-host', '192.0.2.1'], 'give another --management-host or --management-port'),
])
def test_a_start_that_cannot_be_is_one_line(managed, words, message):
    server = managed(*words)
    assert server.wait() == 1
    assert len(server.stderr.splitlines()) == 1
    assert message in server.stderr


def test_a_port_that_is_taken_is_told_by_its_flag(managed):
    first = managed().wait_until_up()
    second = managed('--management-port', first.management.rpartition(':')[2])
    assert second.wait() == 1
    assert 'or give another --management-port' in second.stderr


def test_flags_of_a_port_that_is_not_open_are_warned_of(serve, tmp_path):
    server = serve('--models', f"m={write_archive(tmp_path, 'm')}", '--model-store', tmp_path,
                   '--metrics-host', '127.0.0.1')
    for told in ('--model-store has no effect without --management-port.',
                 '--metrics-host has no effect without --metrics-port.'):
        assert server.log.count(told) == 1
    assert server.log.count('has no effect') == 2
