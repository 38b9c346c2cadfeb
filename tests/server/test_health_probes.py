"""Probes of a real server: what they are told of it and of its models, and how soon."""

import os
import re
import time
from datetime import datetime

import pytest
import requests
from harness import SERVICE, Server, free_port, until, write_archive

# It does what stands in a file.
PING = '''import os, time
        mood = open({mood!r}).read()
        if mood == 'hangs': time.sleep(4)
        if mood == 'ill': raise ValueError('it has a cold')'''


class Moody(Server):
    """A server of two models, one of whose pings does what it is told."""

    def __init__(self, folder):
        self.mood = folder / 'mood'
        self.mood.write_text('well')
        source = SERVICE.replace("return 'fine'", PING.format(mood=str(self.mood))).replace(
            '{body}', '        return data')
        moody = write_archive(folder, 'moody', source=source)
        steady = write_archive(folder, 'steady')
        super().__init__(folder / 'server', ['--models', f'moody={moody}', f'steady={steady}',
                                             '--workers', '1'])

    def ready(self):
        return self.get('/health/ready')

    def turn(self, mood):
        new = self.mood.with_suffix('.new')
        new.write_text(mood)
        os.replace(new, self.mood)


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    server = Moody(tmp_path_factory.mktemp('health')).wait_until_up()
    yield server
    server.stop()


def test_a_server_that_is_up_is_live_started_and_ready(server):
    for probe in ('live', 'ready', 'startup'):
        assert server.get(f'/health/{probe}').status_code == 200
        assert requests.head(f'{server.url}/health/{probe}', timeout=10).status_code == 200


def test_a_probe_tells_the_state_of_each_model_its_workers_and_since_when(server):
    told = until(lambda: server.ready().ok and server.ready().json())
    assert (told['status'], told['server']) == ('ready', 'serving')
    assert sorted(told['models']) == ['moody', 'steady']
    for model in told['models'].values():
        assert model['state'] == 'ready'
        assert model['required'] is True
        assert sum(model['workers'].values()) >= 1
        since = datetime.fromisoformat(model['since'].replace('Z', '+00:00')).timestamp()
        assert 0 < time.time() - since < 600


def test_a_model_that_is_ill_makes_the_server_unready_and_says_why_until_it_is_well(server):
    server.turn('ill')
    told = until(lambda: server.ready().status_code == 503 and server.ready().json())
    assert told['status'] == 'not ready'
    assert told['models']['moody']['state'] == 'degraded'
    assert 'it has a cold' in told['models']['moody']['reason']
    assert 'model moody is required, and is degraded' in told['reason']
    assert told['models']['steady']['state'] == 'ready'
    assert server.get('/health/live').status_code == 200
    assert server.get('/health/startup').status_code == 200
    server.turn('well')
    until(lambda: server.ready().status_code == 200)
    until(lambda: 'The server is ready again.' in server.log)
    assert len(re.findall(r'The server is not ready: model moody .*it has a cold', server.log)) == 1


def test_no_probe_waits_for_a_model_that_hangs(server):
    until(lambda: server.ready().status_code == 200)
    server.turn('hangs')
    began = time.monotonic()
    answers = [server.ready().status_code for _ in range(3)]
    took_s = time.monotonic() - began
    server.turn('well')
    assert answers == [200, 200, 200]
    # A tenth of a second each; the hook takes 4 s.
    assert took_s < 3


def test_a_required_model_that_is_not_there_makes_the_server_unready(serve, tmp_path):
    server = serve('--models', f'm={write_archive(tmp_path, "m")}', '--workers', 1,
                   '--required-models', 'm', 'absent')
    answer = server.get('/health/ready')
    assert answer.status_code == 503
    told = answer.json()
    assert told['reason'] == 'model absent is required, and is not served'
    assert told['models']['absent'] == {'required': True, 'state': 'missing', 'workers': {}}
    assert server.get('/ping').status_code == 200


def test_the_log_says_that_the_server_is_not_ready_where_nobody_asks(serve, tmp_path):
    server = serve('--models', f'm={write_archive(tmp_path, "m")}', '--workers', 1,
                   '--required-models', 'absent')
    until(lambda: 'The server is not ready: ' in server.log)
    line, = [line for line in server.log.splitlines() if 'The server is not ready' in line]
    assert line.endswith('The server is not ready: model absent is required, and is not served')
    assert server.get('/health/ready').status_code == 503
    assert server.log.count('The server is not ready') == 1


def test_a_server_that_loads_its_models_says_so_on_its_management_port(launch, tmp_path):
    port = free_port()
    go = tmp_path / 'go'
    source = f'import os, time\nwhile not os.path.exists({str(go)!r}):\n    time.sleep(0.05)\n' + \
        SERVICE.format(body='        return data')
    server = launch('--models', f'm={write_archive(tmp_path, "m", source=source)}',
                    '--workers', 1, '--management-port', port)
    url = f'http://127.0.0.1:{port}'

    def ask(probe):
        try:
            return requests.get(f'{url}/health/{probe}', timeout=10)
        except requests.ConnectionError:
            assert server.process.poll() is None, server.stderr
            return None

    until(lambda: ask('live') is not None, 60)
    # No probe has a token.
    assert requests.get(f'{url}/models', timeout=10).status_code == 401
    assert ask('live').status_code == 200
    assert ask('startup').status_code == 503
    assert ask('ready').status_code == 503
    until(lambda: ask('ready').json()['models'], 60)
    told = ask('ready').json()
    assert told['reason'] == 'the server loads its models'
    assert told['models']['m']['state'] == 'loading'
    go.touch()
    until(lambda: ask('ready').status_code == 200, 60)
    assert ask('startup').status_code == 200
