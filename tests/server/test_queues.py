"""Queues with an end, and requests with a deadline, from a running server."""

import http.client
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import asking, until, write_archive

# Holds its worker until the file of a gate exists; notes what it computes.
GATED = '''
import os, time
open({notes!r}, 'a').write(f'{{data[0][0]}} ')
while data[0][0] == 'gate' and not os.path.exists({gate!r}): time.sleep(0.005)
return data[0]
'''
HANG = 'import os, time\nif data[0][0] == "hang": time.sleep(600)\nreturn [os.getpid()]'


class Gated:
    """A server whose only worker is at work on the request `first`."""

    def __init__(self, server, pool, gate, notes):
        self.server, self._pool, self._gate, self._notes = server, pool, gate, notes
        # What it noted of made-up requests.
        notes.unlink(missing_ok=True)
        self.first = self.ask('["gate"]')
        until(notes.exists)

    def ask(self, text):
        return self._pool.submit(self.server.post_text, 'm', text)

    def wait_for_connections(self, number):
        """Wait until so many requests beside the first have reached the server."""
        time.sleep(0.1 * number)

    def open(self):
        self._gate.touch()

    def notes(self):
        return self._notes.read_text().split()


@pytest.fixture
def gated(serve, tmp_path):
    gate, notes = tmp_path / 'gate', tmp_path / 'notes'
    body = GATED.format(gate=str(gate), notes=str(notes))
    with ThreadPoolExecutor(8) as pool:
        yield lambda *words: Gated(
            serve('--models', f"m={write_archive(tmp_path, 'm', body)}", '--workers', 1, *words),
            pool, gate, notes)
        gate.touch()


def test_a_full_queue_is_503_while_it_is_full_with_the_time_to_come_again(gated):
    model = gated('--queue-size', 2)
    waiting = [model.ask('[1]'), model.ask('[2]')]
    model.wait_for_connections(2)
    answer = model.server.post_text('m', '[3]')
    assert answer.status_code == 503
    assert int(answer.headers['Retry-After']) >= 1
    assert answer.json()['type'] == 'ServiceUnavailableException'
    assert '--queue-size' in answer.json()['message']
    assert model.server.get('/ping').status_code == 200
    model.open()
    assert model.first.result().status_code == 200
    assert [answer.result().json()['prediction'] for answer in waiting] == [[1], [2]]
    assert model.server.post_text('m', '[4]').status_code == 200
    assert '3' not in model.notes()


def test_a_client_that_leaves_before_its_turn_is_not_computed(gated):
    model = gated()
    request = asking('["left"]')
    with socket.create_connection(('127.0.0.1', model.server.port)) as client:
        client.sendall(b'POST /m/predict HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n'
                       b'Content-Length: %d\r\n\r\n%s' % (
                           request.content_type.encode(), len(request.body), request.body))
        model.wait_for_connections(1)
    stayed = model.ask('[1]')
    model.wait_for_connections(1)
    # Until then, it could have closed its sending side alone.
    time.sleep(1.1)
    model.open()
    assert stayed.result().json() == {'prediction': [1]}
    assert model.notes() == ['gate', '1']
    until(lambda: 'The client has left before model m had time for it' in model.server.log)


def test_requests_are_computed_oldest_first(gated):
    model = gated()
    waiting = []
    for number in range(5):
        waiting.append(model.ask(f'[{number}]'))
        model.wait_for_connections(1)
    model.open()
    assert [answer.result().status_code for answer in waiting] == [200] * 5
    assert model.notes() == ['gate', '0', '1', '2', '3', '4']


def test_a_request_that_is_too_late_is_504_and_is_not_computed(serve, tmp_path):
    notes = tmp_path / 'notes'
    body = f'open({str(notes)!r}, "a").write(str(data[0][0]) + " ")\n{HANG}'
    server = serve('--models', f"m={write_archive(tmp_path, 'm', body)}", '--workers', 1,
                   '--request-timeout', '1')
    notes.unlink()
    before = server.post_text('m', '[0]').json()
    with ThreadPoolExecutor(2) as pool:
        hanging = pool.submit(server.post_text, 'm', '["hang"]')
        until(lambda: 'hang' in notes.read_text())
        answer = hanging.result()
    assert answer.status_code == 504
    assert answer.json()['type'] == 'GatewayTimeoutException'
    assert '--request-timeout' in answer.json()['message']
    after = server.post_text('m', '[1]')
    assert after.status_code == 200
    assert after.json() != before
    assert server.get('/ping').status_code == 200
    assert notes.read_text().split() == ['0', 'hang', '1']


@pytest.mark.alone
def test_ping_answers_while_a_large_list_is_on_its_way(serve, tmp_path):
    server = serve('--models', f"m={write_archive(tmp_path, 'm', 'return [len(data[0])]')}")
    body = 'data=[' + '1.25,' * 2_000_000 + '1]'
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60)
    connection.request('POST', '/m/predict', body,
                       {'Content-Type': 'application/x-www-form-urlencoded'})
    assert server.get('/ping').status_code == 200
    assert connection.getresponse().read() == b'{"prediction":[2000001]}\n'
