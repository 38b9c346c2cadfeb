"""How a server starts, ends, and outlives its workers."""

import os
import signal
import socket
import threading
import time

import psutil
import pytest
import requests
from harness import SERVICE, until, write_archive

SLOW = '''
import time
time.sleep(data[0][0])
return data[0]
'''


class InBackground:
    """One request on its way; the answer when it is joined."""

    def __init__(self, function):
        self.answer = None
        self._thread = threading.Thread(target=self._run, args=(function,), daemon=True)
        self._thread.start()

    def _run(self, function):
        try:
            self.answer = function()
        except requests.RequestException as error:
            self.answer = error

    def join(self):
        self._thread.join(30)
        return self.answer


def left_behind(server):
    return os.listdir(server.temporary)


@pytest.mark.measured
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_request_in_flight_and_leaves_nothing(serve, tmp_path, number):
    server = serve('--models', f"slow={write_archive(tmp_path, 'slow', SLOW)}")
    processes = psutil.Process(server.pid).children(recursive=True)
    assert processes
    assert left_behind(server)
    request = InBackground(lambda: server.post_text('slow', '[1.5]'))
    until(lambda: busy(server))
    assert server.stop(number) == 0
    assert request.join().json() == {'prediction': [1.5]}
    assert not any(process.is_running() for process in processes)
    assert left_behind(server) == []
    assert 'Service stopped.' in server.log


def busy(server):
    """Whether an established connection to the server exists."""
    return [c for c in psutil.Process(server.pid).net_connections('tcp')
            if c.status == psutil.CONN_ESTABLISHED]


def test_an_idle_kept_alive_connection_does_not_hold_up_the_end(serve, tmp_path):
    server = serve('--models', f"slow={write_archive(tmp_path, 'slow', SLOW)}")
    with requests.Session() as session:
        assert session.get(server.url + '/ping').status_code == 200
        began = time.monotonic()
        assert server.stop() == 0
        # The drain would wait a minute for a request in flight.
        assert time.monotonic() - began < 20


@pytest.mark.measured
def test_a_second_signal_ends_at_once(serve, tmp_path):
    server = serve('--models', f"slow={write_archive(tmp_path, 'slow', SLOW)}")
    processes = psutil.Process(server.pid).children(recursive=True)
    request = InBackground(lambda: server.post_text('slow', '[600]'))
    until(lambda: busy(server))
    server.process.send_signal(signal.SIGINT)
    until(lambda: 'Stopping' in server.log)
    assert server.stop() == 0
    assert request.join().status_code == 503
    assert 'The server stops' in request.answer.json()['message']
    assert not any(process.is_running() for process in processes)
    assert left_behind(server) == []


def test_a_signal_while_models_load_leaves_nothing(launch, tmp_path):
    source = 'import time\ntime.sleep(600)\n'
    server = launch('--models', f"m={write_archive(tmp_path, 'm', source=source)}")
    until(lambda: server.templates())
    processes = psutil.Process(server.pid).children(recursive=True)
    assert server.stop(signal.SIGTERM) == 128 + signal.SIGTERM
    assert not any(process.is_running() for process in processes)
    assert left_behind(server) == []


def test_the_death_of_the_front_takes_workers_and_files_along(serve, tmp_path):
    server = serve('--models', f"slow={write_archive(tmp_path, 'slow', SLOW)}",
                   f"other={write_archive(tmp_path, 'other')}")
    processes = psutil.Process(server.pid).children(recursive=True)
    InBackground(lambda: server.post_text('slow', '[600]'))
    until(lambda: busy(server))
    server.process.kill()
    until(lambda: not any(process.is_running() for process in processes))
    until(lambda: left_behind(server) == [])


def test_ping_answers_while_a_model_is_busy_for_seconds(serve, tmp_path):
    server = serve('--models', f"slow={write_archive(tmp_path, 'slow', SLOW)}")
    request = InBackground(lambda: server.post_text('slow', '[3]'))
    until(lambda: busy(server))
    time.sleep(0.3)
    for _ in range(5):
        assert server.get('/ping').json() == {'health': 'healthy!'}
        assert server.get('/api-description').status_code == 200
    assert request.answer is None
    assert request.join().json() == {'prediction': [3]}


def test_a_terminate_to_all_processes_finishes_the_request_in_flight(serve, tmp_path):
    server = serve('--models', f"slow={write_archive(tmp_path, 'slow', SLOW)}")
    processes = psutil.Process(server.pid).children(recursive=True)
    request = InBackground(lambda: server.post_text('slow', '[1.5]'))
    until(lambda: busy(server))
    for process in processes:
        process.terminate()
    assert server.stop(signal.SIGTERM) == 0
    assert request.join().json() == {'prediction': [1.5]}
    assert left_behind(server) == []


@pytest.mark.parametrize('sent', [
    b'GET /ping HTTP/1.1\r\nHost: x\r\n',
    b'POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n',
])
def test_a_connection_without_a_request_in_flight_does_not_hold_up_the_end(serve, tmp_path, sent):
    server = serve('--models', f"slow={write_archive(tmp_path, 'slow', SLOW)}")
    with socket.create_connection(('127.0.0.1', server.port)) as client:
        client.sendall(sent)
        until(lambda: busy(server))
        time.sleep(0.2)
        began = time.monotonic()
        assert server.stop() == 0
        # The drain would wait a minute for a request in flight.
        assert time.monotonic() - began < 20


def test_a_client_that_leaves_midway_harms_nobody(serve, tmp_path):
    server = serve('--models', f"slow={write_archive(tmp_path, 'slow', SLOW)}")
    with socket.create_connection(('127.0.0.1', server.port)) as client:
        client.sendall(b'POST /slow/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n'
                       b'Content-Type: application/x-www-form-urlencoded\r\n\r\ndata=')
    with socket.create_connection(('127.0.0.1', server.port)) as client:
        body = b'data=[0.3]'
        client.sendall(b'POST /slow/predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n'
                       b'Content-Type: application/x-www-form-urlencoded\r\n\r\n%s'
                       % (len(body), body))
    assert server.post_text('slow', '[0]').json() == {'prediction': [0]}


def test_the_front_process_holds_no_mxnet(serve, tmp_path):
    source = 'import mxnet\n' + SERVICE.format(body='        return data')
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=source)}", '--workers', 1)
    assert server.post_text('m', '[1]').status_code == 200
    libraries = {region.path for region in psutil.Process(server.pid).memory_maps()}
    assert not [path for path in libraries if 'mxnet' in path]
    [worker] = server.workers()
    assert [region for region in worker.memory_maps() if 'libmxnet' in region.path]
