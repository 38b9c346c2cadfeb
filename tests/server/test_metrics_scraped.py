"""What a running server tells Prometheus: checked by promtool, bounded, and never less."""

import contextlib
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
from debian_programs import environment, needs, path_of
from harness import SERVICE, Server, until, write_archive

TYPE = re.compile(r'^# TYPE (\S+) (\S+)$', re.M)
SAMPLE = re.compile(r'^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? (\S+)$', re.M)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
LOADS_FOR_LONG = '''
import os, time
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    signature = {{'inputs': [{{'data_name': 'data', 'data_shape': [0, 1]}}], 'outputs': [],
                 'input_type': 'application/json', 'output_type': 'application/json'}}

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        while not os.path.exists({marker!r}):
            time.sleep(0.02)

    def _inference(self, data):
        return data
'''


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    """Two models, one request of each asked for."""
    folder = tmp_path_factory.mktemp('scraped')
    started = Server(folder / 'server', [
        '--models', f"one={write_archive(folder, 'one')}", f"two={write_archive(folder, 'two')}",
        '--workers', '1', '--max-request-size', '2000', '--metrics-port', '0'])
    started.wait_until_up()
    for name in ('one', 'two'):
        assert started.post_text(name, '[[1]]').status_code == 200
    yield started
    started.stop()


def scrape(server):
    answer = server.get('/metrics')
    assert answer.status_code == 200
    return answer.text


def values(text, name):
    """Label values, in the order of the labels' names -> value."""
    return {tuple(value for _, value in sorted(LABEL.findall(labels))): float(value)
            for found, labels, value in SAMPLE.findall(text) if found == name}


def requests_of(server, model):
    return {code: count for (code, name, _), count in values(
        scrape(server), 'mms_requests_total').items() if name == model}


@needs('promtool')
def test_promtool_finds_nothing_to_say(server):
    checked = subprocess.run([path_of('promtool'), 'check', 'metrics'], input=scrape(server),
                             text=True, capture_output=True, check=False, env=environment(),
                             timeout=60)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, '')


def test_clients_make_no_labels(server):
    def label_sets():
        return {(name, found) for name, found, _ in SAMPLE.findall(scrape(server))}

    for path, method in (('/nothing', 'GET'), ('/one/predict', 'GET'), ('/metrics', 'PUT')):
        requests.request(method, server.url + path, timeout=60)
    before = label_sets()
    for number in range(20):
        for path in (f'/x{number}/predict', f'/{number}', f'/one{number}/predict',
                     f'/metrics?name[]={number}', f'/one/predict?model={number}'):
            for method in ('GET', 'POST', f'ODD{number}'):
                requests.request(method, server.url + path, timeout=60, headers={
                    'X-Request-Id': f'r{number}', 'Content-Type': f'text/x{number}'})
    added = {found for _, found in label_sets() - before}
    # Statuses that had not been answered before, and nothing else.
    assert {name for found in added for name, value in LABEL.findall(found)
            if value not in ('', 'one', 'classic', '400', '404', '405', '500')} == set()


def test_each_answer_is_counted_with_its_model_and_code(server):
    before = requests_of(server, 'one')
    assert server.post_text('one', '[[1]]').status_code == 200
    assert server.post_text('one', 'no JSON').status_code == 400
    assert server.post('one', data={'data': 'x' * 3000}).status_code == 413
    # A browser asks so whether it may ask; no model is asked.
    assert requests.options(f'{server.url}/one/predict', timeout=60).status_code == 200
    after = requests_of(server, 'one')
    assert {code: after[code] - before.get(code, 0) for code in ('200', '400', '413')} == {
        '200': 1, '400': 1, '413': 1}
    refused = values(scrape(server), 'mms_requests_refused_total')
    assert refused['one', 'too_large'] >= 1
    assert refused['two', 'too_large'] == 0


def test_a_client_that_leaves_while_it_sends_is_counted(server):
    def left():
        return values(scrape(server), 'mms_requests_refused_total')['two', 'client_left']

    before = left()
    with socket.create_connection(('127.0.0.1', server.port), 60) as client:
        client.sendall(b'POST /two/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nda')
    until(lambda: left() == before + 1)


def test_counters_do_not_go_back_when_a_worker_is_killed(server):
    def counters():
        text = scrape(server)
        return {(name, key): value for name, kind in TYPE.findall(text) if kind == 'counter'
                for key, value in values(text, name).items()}

    def deaths():
        return counters()['mms_worker_restarts_total', ('one', 'died')]

    before, died = counters(), deaths()
    for worker in server.workers('one'):
        os.kill(worker.pid, signal.SIGKILL)
    until(lambda: deaths() > died)
    assert server.post_text('one', '[[1]]').status_code == 200
    after = counters()
    assert before.keys() <= after.keys()
    assert [key for key in before if after[key] < before[key]] == []
    assert after['mms_requests_total', ('200', 'one', 'classic')] == \
        before['mms_requests_total', ('200', 'one', 'classic')] + 1


def test_what_is_so_now_is_as_it_is(server):
    until(lambda: values(scrape(server), 'mms_workers')['two', 'idle'] == 1)
    text = scrape(server)
    assert values(text, 'mms_models')['ready',] == 2
    assert values(text, 'mms_queue_requests')['two',] == 0
    assert values(text, 'mms_worker_memory_bytes')['two', 'worker'] > 10**6
    [resident] = values(text, 'process_resident_memory_bytes').values()
    assert resident == pytest.approx(psutil.Process(server.pid).memory_info().rss, rel=0.2)


def test_a_model_that_falls_ill_is_seen_though_nobody_asks_for_its_health(serve, tmp_path):
    marker = tmp_path / 'ill'
    source = SERVICE.format(body='        return data').replace(
        "return 'fine'", f"assert not __import__('os').path.exists({str(marker)!r})")
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=source)}", '--workers', 1)

    def states():
        return {state: count for (state,), count in values(
            scrape(server), 'mms_models').items() if count}

    assert states() == {'ready': 1}
    marker.touch()
    until(lambda: states() == {'degraded': 1})
    marker.unlink()
    until(lambda: states() == {'ready': 1})
    # Nor is it /ping that says so.
    assert 'The server is not ready: ' in server.log


def test_openmetrics_is_for_whoever_takes_it(server):
    answer = requests.get(f'{server.url}/metrics', timeout=60, headers={
        'Accept': 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5'})
    assert answer.headers['Content-Type'].startswith('application/openmetrics-text; version=1.0.0')
    assert answer.text.endswith('# EOF\n')
    assert server.get('/metrics').headers['Content-Type'].startswith('text/plain; version=0.0.4')
    head = requests.head(f'{server.url}/metrics', timeout=60)
    assert (head.status_code, head.content) == (200, b'')
    assert int(head.headers['Content-Length']) > 1000


def metrics_url(server):
    def named():
        return re.search(r'Service metrics endpoint: (\S+)\n', server.log)

    return f'http://{until(named)[1]}'


def test_a_port_of_its_own_answers_the_same_and_nothing_else(server):
    url = metrics_url(server)
    before = sum(requests_of(server, '').values())
    answer = requests.get(url, timeout=60)
    assert values(answer.text, 'mms_models') == values(scrape(server), 'mms_models')
    wrong = requests.post(url.replace('/metrics', '/one/predict'), timeout=60)
    assert wrong.status_code == 404
    assert wrong.json()['message'].startswith('There is nothing at /one/predict: this port has ')
    named = re.findall(r'/[a-z]+(?:/[a-z]+)?', wrong.json()['message'].partition(' has ')[2])
    for path in named:
        assert requests.get(url.replace('/metrics', path), timeout=60).status_code == 200, path
    assert len(named) == 4
    # Those of the other port: the one scrape, and the one that counts it.
    assert sum(requests_of(server, '').values()) == before + 2


def test_the_port_answers_while_models_load(launch, tmp_path):
    marker = str(tmp_path / 'go on')
    archive = write_archive(tmp_path, 'm', source=LOADS_FOR_LONG.format(marker=marker))
    with socket.create_server(('127.0.0.2', 0)) as probe:
        port = probe.getsockname()[1]
    server = launch('--models', f'm={archive}', '--workers', 1, '--metrics-port', port,
                    '--metrics-host', '127.0.0.2')

    def models(state):
        with contextlib.suppress(requests.ConnectionError):
            answer = requests.get(f'http://127.0.0.2:{port}/metrics', timeout=60)
            return values(answer.text, 'mms_models')[state,]

    until(lambda: models('loading') == 1)
    assert 'Serving ' not in server.stdout
    open(marker, 'w').close()
    server.wait_until_up()
    assert models('ready') == 1


def test_a_port_that_is_taken_is_told_with_its_flag(launch, tmp_path):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        server = launch('--models', f"m={write_archive(tmp_path, 'm')}",
                        '--metrics-port', taken.getsockname()[1])
        assert server.wait(60) == 1
    assert 'is already in use' in server.stderr
    assert '--metrics-port' in server.stderr


def test_an_embedded_application_has_them_too(tmp_path):
    code = f'''
import json, re
from concurrent.futures import ThreadPoolExecutor
from mms.mxnet_model_server import MMS

with MMS(args=['--models', 'm={write_archive(tmp_path, 'm')}', '--workers', '1']) as server:
    app = server.create_app()

    @app.route('/own')
    def own():
        return 'mine'

    def ask(_):
        return app.test_client().post('/m/predict', data={{'data': '[[1]]'}}).status_code

    with ThreadPoolExecutor(4) as threads:
        codes = list(threads.map(ask, range(40)))
    app.test_client().get('/own')
    answer = app.test_client().get('/metrics')
    print(json.dumps([codes, answer.status_code, answer.content_type, answer.text]))
'''
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    codes, status, kind, text = json.loads(done.stdout.splitlines()[-1])
    assert (set(codes), status) == ({200}, 200)
    assert kind.startswith('text/plain; version=0.0.4')
    counted = values(text, 'mms_requests_total')
    assert counted['200', 'm', 'classic'] == 40
    assert counted['200', '', ''] == 1
    assert values(text, 'mms_workers')['m', 'idle'] == 1
    assert sum(values(text, 'mms_worker_memory_bytes').values()) > 10**6
