"""How many workers a running server has, and that none of them is missed when it goes."""

import os
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from fleet import numpy_service
from harness import SERVICE, until, write_archive

PID = 'import os\nreturn [os.getpid()]'
LEAK = '''
self.kept = getattr(self, 'kept', [])
self.kept.append(b'x' * 8_000_000)
return [os.getpid()]
'''
SLEEP = 'import time\ntime.sleep(data[0][0])\nreturn data[0]'
CORES = len(os.sched_getaffinity(0))


def at_once(server, model, texts, clients=8):
    """The answers to requests of several clients at the same time."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda text: server.post_text(model, text), texts))


def loaded(server, model):
    """What the log says of a model that is loaded."""
    [line] = re.findall(rf'Model {model} is loaded after [\d.]+ s: (.*)[.]\n', server.log)
    return line


@pytest.mark.engine
def test_each_model_has_the_workers_it_is_given_and_the_log_says_so(serve, tmp_path):
    archive = write_archive(tmp_path, 'm', PID)
    server = serve('--models', f'a={archive}', f'b={archive}', '--workers', 3, 'b=1')
    assert 'Service, 3 workers of ' in loaded(server, 'a')
    assert 'Service, 1 worker of ' in loaded(server, 'b')
    for name in 'ab':
        assert '(as was asked for)' in loaded(server, name)
        assert len(server.templates(name)) == 1
    wide = 'one of' in loaded(server, 'a')
    assert len(server.workers('a')) == 3 + wide
    assert len(server.workers('b')) == 1
    [answered] = {answer.json()['prediction'][0] for answer in at_once(server, 'b', ['[1]'] * 8)}
    assert answered == server.workers('b')[0].pid


@pytest.mark.engine
def test_auto_weighs_cores_models_and_memory_and_says_so(serve, tmp_path):
    server = serve('--models', f"m={write_archive(tmp_path, 'm')}", '--workers', 'auto')
    line = loaded(server, 'm')
    assert re.search(rf'{CORES} cores?, 1 model, \d+ MB free, about \d+ MB for each worker', line)
    number = int(re.search(r'(\d+) workers? of', line)[1])
    assert 1 <= number <= CORES
    assert len(server.workers()) == number + ('one of' in line)


def test_the_log_says_how_many_requests_run_together(serve, tmp_path):
    sources = {str(value).lower(): write_archive(
        tmp_path, str(value).lower(), source=numpy_service(tmp_path / 'n', batchable=value))
        for value in (True, False, None)}
    server = serve('--models', *(f'{name}={path}' for name, path in sources.items()),
                   '--batch-size', 5)
    assert loaded(server, 'true').endswith(', up to 5 requests together')
    assert loaded(server, 'none').endswith(', up to 5 requests together')
    assert loaded(server, 'false').endswith(', one request at a time')


@pytest.mark.engine
def test_a_model_with_a_thread_is_not_forked_and_the_log_says_why(serve, tmp_path):
    source = 'import threading, time\n' + SERVICE.format(body='        return data').replace(
        'self.model_name = model_name', 'threading.Thread(target=time.sleep, args=(600,), '
        'name="poller", daemon=True).start()')
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=source)}", '--workers', 2)
    assert server.log.count('Model m is not forked: its constructor started the thread poller') == 1
    assert len(server.workers()) == 2
    assert server.templates() == []
    assert {answer.status_code for answer in at_once(server, 'm', ['[1]'] * 8)} == {200}
    processes = server.workers()
    assert server.stop() == 0
    assert not any(process.is_running() for process in processes)


@pytest.mark.engine
def test_workers_that_have_served_enough_are_replaced_without_a_failed_request(serve, tmp_path):
    server = serve('--models', f"m={write_archive(tmp_path, 'm', PID)}", '--workers', 2,
                   '--max-requests-per-worker', 10)
    answers = at_once(server, 'm', ['[1]'] * 150)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()['prediction'][0] for answer in answers}) > 3
    assert 'requests, with ' in server.log
    assert 'died' not in server.log
    until(lambda: len(server.workers()) == 2 + ('one of' in loaded(server, 'm')))


@pytest.mark.engine
def test_workers_that_leak_are_replaced_without_a_failed_request(serve, tmp_path):
    source = 'import os\n' + SERVICE.format(body=''.join(
        f'        {line}\n' for line in LEAK.strip().splitlines()))
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=source)}",
                   '--workers', 1, '--max-worker-memory', '100M')
    answers = at_once(server, 'm', ['[1]'] * 40, clients=4)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()['prediction'][0] for answer in answers}) > 1
    assert 'died' not in server.log
    assert all(process.memory_full_info().uss < 400_000_000 for process in server.workers())


def test_a_server_with_several_workers_finishes_what_they_have_in_hand(serve, tmp_path):
    server = serve('--models', f"m={write_archive(tmp_path, 'm', SLEEP)}",
                   '--workers', 3)
    processes = psutil.Process(server.pid).children(recursive=True)
    assert len(processes) >= 5
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(server.post_text, 'm', '[0.7]') for _ in range(6)]
        until(lambda: len([c for c in psutil.Process(server.pid).net_connections('tcp')
                           if c.status == psutil.CONN_ESTABLISHED]) == 6)
        time.sleep(0.2)
        assert server.stop() == 0
        assert [answer.result().json() for answer in asked] == [{'prediction': [0.7]}] * 6
    assert not any(process.is_running() for process in processes)
    assert os.listdir(server.temporary) == []


def test_the_death_of_the_front_takes_every_worker_and_template_along(serve, tmp_path):
    server = serve('--models', f"m={write_archive(tmp_path, 'm', PID)}",
                   f"n={write_archive(tmp_path, 'n', PID)}", '--workers', 3)
    processes = psutil.Process(server.pid).children(recursive=True)
    assert {process.name() for process in processes} >= {'mms-model', 'mms-worker'}
    server.process.kill()
    until(lambda: not any(process.is_running() for process in processes))


@pytest.mark.engine
def test_a_server_uses_no_more_memory_for_more_workers_than_they_need(serve, tmp_path):
    source = 'import os\nWEIGHTS = os.urandom(100_000_000)\n' + SERVICE.format(
        body='        return [len(WEIGHTS)]')
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=source)}", '--workers', 4)
    assert {answer.status_code for answer in at_once(server, 'm', ['[1]'] * 40)} == {200}
    tree = [*server.templates(), *server.workers()]
    assert sum(process.memory_full_info().pss for process in tree) < 250_000_000


@pytest.mark.parametrize('words', [['--workers', 'x=2'], ['--workers', '0'],
                                   ['--queue-size', '0'], ['--request-timeout', 'soon'],
                                   ['--gpu', '0,', '--workers', '2'], ['--workers', '1', '2'],
                                   ['--device', 'tpu:0'], ['--gpu', '-1']])
def test_a_number_that_cannot_be_used_is_one_line(launch, tmp_path, words):
    server = launch('--models', f"m={write_archive(tmp_path, 'm')}", *words)
    assert server.wait() == 1
    [line] = server.stderr.strip().splitlines()
    assert words[0] in line


def test_a_worker_has_no_connection_of_a_client(serve, tmp_path):
    server = serve('--models', f"m={write_archive(tmp_path, 'm')}", '--workers', 1)
    with socket.create_connection(('127.0.0.1', server.port)):
        server.workers()[0].kill()
        until(lambda: server.post_text('m', '[1]').status_code == 200)
        for process in [*server.workers(), *server.templates()]:
            assert process.net_connections('inet') == []
