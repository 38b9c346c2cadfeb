"""Servers that answer before it is known what pays, and that remember it at the next start."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests
from fleet import mxnet_service
from harness import MEASURED, Server, load_message, until, write_archive

from mms.ipc.findings import Findings
from mms.pool.sizing import thread_counts
from mms.runtime.model_identity import Identity
from mms.runtime.resources import usable
from mms.serving.findings_store import FindingsStore

pytestmark = pytest.mark.engine
BODY = 'time.sleep(0.03)'


@pytest.fixture
def start(tmp_path):
    """Start a server that may keep what it measures, and do not wait until it has measured."""
    servers, archive = [], write_archive(tmp_path, 'm', source=mxnet_service(BODY))

    def of(*words):
        folder = tmp_path / str(len(servers))
        server = Server(folder, ['--models', f'm={archive}', '--management-port', '0', *words],
                        env={'XDG_CACHE_HOME': str(tmp_path / 'cache')})
        servers.append(server)
        until(lambda: 'Serving ' in server.stdout or server.process.poll() is not None)
        server.url = re.search(r'http://\S+', server.stdout)[0]
        return server

    yield of
    for server in servers:
        server.stop()


def described(server):
    """What the management port says of the model."""
    url, token = re.search(r'Management endpoint: (\S+)  \(its token is in (\S+)\)',
                           server.log).groups()
    with open(token, encoding='utf-8') as file:
        headers = {'Authorization': f'Bearer {file.read().strip()}'}
    return requests.get(f'{url}/models/m', headers=headers, timeout=60).json()


def measured(server):
    """Wait until the model is measured; what the log says of it."""
    until(lambda: MEASURED.search(server.log))
    return re.search(r'Model m is measured after [\d.]+ s: (.*)[.]\n', server.log)[1]


def test_requests_are_answered_at_once_and_what_pays_is_known_a_while_later(start, tmp_path):
    server = start('--no-cache')
    assert server.post_text('m', '[[1, 2]]').json() == {'prediction': [[2.0, 4.0]]}
    assert server.get('/ping').status_code == 200
    early = described(server)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: server.post_text('m', f'[[{number}, 0]]').json(),
                                range(40)))
    assert answers == [{'prediction': [[2.0 * number, 0.0]]} for number in range(40)]
    assert (early['measured'], early['batchSize']) == (False, 1)
    assert early['batches']['whyAlone'] == 'it is not measured yet'
    assert 'one request at a time until it is measured' in server.log
    assert 'up to 16 requests together' in measured(server)
    assert 'Model m: inference of 1 in ' in server.log
    late = described(server)
    assert (late['measured'], late['batchSize'], late['batches']['whyAlone']) == (True, 16, '')
    assert not (tmp_path / 'cache').exists()


def test_under_constant_load_batches_come_before_the_rest_is_measured(start):
    server, is_over = start('--no-cache'), threading.Event()

    def ask(number):
        answers = []
        while not is_over.is_set():
            answers.append(server.post_text('m', f'[[{number}, 0]]').json())
        return answers

    with ThreadPoolExecutor(6) as pool:
        asking = [pool.submit(ask, number) for number in range(6)]
        try:
            measured(server)
        finally:
            is_over.set()
    lines = [line for line in server.log.splitlines() if re.search(
        r'Model m (runs up to 16 requests together|is measured) after', line)]
    assert [re.search('runs|measured', line)[0] for line in lines][:2] == ['runs', 'measured']
    for number, answers in enumerate(asking):
        assert answers.result()
        assert all(answer == {'prediction': [[2.0 * number, 0.0]]} for answer in answers.result())


def test_a_start_goes_by_what_was_measured_before(start, tmp_path):
    (tmp_path / 'opened').mkdir()
    load = load_message(tmp_path / 'opened', 'm', source=mxnet_service(BODY))
    machine = usable()
    store = FindingsStore(str(tmp_path / 'cache' / 'mxnet-model-server'), machine,
                          Identity().environment())
    store.entry(replace(load, threads=thread_counts(machine, None))).write(Findings((1,), 4))
    [entry] = (tmp_path / 'cache' / 'mxnet-model-server').iterdir()
    server = start()
    assert measured(server).endswith('up to 4 requests together')
    assert 'inference of' not in server.log
    assert server.post_text('m', '[[1, 2]]').json() == {'prediction': [[2.0, 4.0]]}
    entry.write_text('nonsense')
    other = start()
    assert 'up to 16 requests together' in measured(other)
    assert f'What was measured of model m before is not used: {entry}: ' in other.log
    assert 'Traceback' not in other.log


def test_a_server_that_stops_while_it_measures_stops_at_once(start):
    server = start()
    until(lambda: 'Service started' in server.log)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 20
    assert 'could not be measured' not in server.log
