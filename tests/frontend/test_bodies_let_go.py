"""When a request is answered, its body is let go: at once, not when Python next collects."""

import gc
import logging
from contextlib import suppress

import gevent
import pytest
from front import application
from gevent import socket

from mms.errors import BadRequest, QueueFull
from mms.frontend.http.binding import bind
from mms.frontend.http.connection import Connection
from mms.frontend.http.headers import PlainHeaders
from mms.frontend.http.server import HTTPServer
from mms.frontend.middleware import GiveWay
from mms.ipc.request import Reply
from mms.metrics import Metrics, make_sink
from mms.runtime.byte_budget import ByteBudget, ChunkedBuffer

SIZE = 2_000_000


class Models:
    """Answers as the end of a body says."""

    revision = 0

    def __contains__(self, name):
        return name == 'm'

    def __init__(self, budget):
        self.budget = budget

    def ill_health(self):
        return {}

    def submit(self, name, request, caller):
        [*_, last] = request.content
        if last.endswith(b'bad'):
            raise BadRequest('it is bad')
        if last.endswith(b'full'):
            raise QueueFull('many wait', 1)
        if last.endswith(b'fault'):
            raise ZeroDivisionError
        answer = ChunkedBuffer(self.budget)
        for _ in range(20):
            answer.append(b'1' * 100_000)
        return Reply(answer, {})


@pytest.fixture
def served(monkeypatch):
    # Where a test keeps log records, it keeps the tracebacks that they have.
    monkeypatch.setattr(logging.root, 'handlers', [])
    logging.disable()
    budget = ByteBudget(3 * SIZE)
    server = HTTPServer(bind('127.0.0.1', 0), application(
        Models(budget), Metrics(['m'], make_sink('log')), GiveWay(), most=SIZE, budget=budget))
    server.listen()
    gc.disable()
    yield server, budget
    gc.enable()
    logging.disable(logging.NOTSET)
    server.end()


def ask(server, end, more='', size=SIZE):
    client = socket.create_connection(server.socket.getsockname())
    client.settimeout(20)
    client.sendall(f'POST /m/predict HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n{more}\r\n'
                   .encode())
    client.sendall(end.rjust(size, b'x'))
    received = client.recv(10**6)
    with suppress(OSError):
        while len(received) < SIZE and b' 200 ' in received:
            received += client.recv(10**6)
    return client, received


@pytest.mark.parametrize('more', ['', 'Origin: http://a.b\r\n'])
@pytest.mark.parametrize(('end', 'status'), [
    (b'good', b'200'), (b'bad', b'400'), (b'full', b'503'), (b'fault', b'500')])
def test_nothing_is_held_while_a_connection_waits_for_its_next_request(served, end, status, more):
    server, budget = served
    client, received = ask(server, end, more)
    assert received.split()[1] == status
    with gevent.Timeout(5):
        while budget.held_bytes:
            gevent.sleep(0.01)
    client.close()


@pytest.mark.parametrize('end', [b'good', b'bad', b'fault', None])
def test_nothing_of_a_connection_is_left_when_it_has_ended(served, end):
    server, _ = served
    with gevent.Timeout(5):
        for _ in range(2):
            client, _ = ask(server, end) if end else half_sent(server)
            client.close()
            while server.pool:
                gevent.sleep(0.01)
        assert not [one for one in gc.get_objects() if isinstance(one, (Connection, PlainHeaders))]


def test_nothing_is_left_of_a_head_that_does_not_come_whole(served, monkeypatch):
    monkeypatch.setattr('mms.frontend.http.connection._HEAD_S', 0.2)
    server, _ = served
    client = socket.create_connection(server.socket.getsockname())
    client.sendall(b'GET /ping HTTP/1.1\r\n')
    assert client.recv(4096).startswith(b'HTTP/1.1 408')
    client.close()
    with gevent.Timeout(5):
        while server.pool:
            gevent.sleep(0.01)
    assert not [one for one in gc.get_objects() if isinstance(one, Connection)]


def test_trailers_without_room_behind_a_body_that_nobody_reads_are_no_fault(served, monkeypatch):
    faults = []
    monkeypatch.setattr('mms.frontend.http.server.log_escaped', lambda *words: faults.append(words))
    server, budget = served
    budget.reserve(budget.limit_bytes)
    client = socket.create_connection(server.socket.getsockname())
    client.sendall(b'POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n'
                   + b'X-A: ' + b'a' * 30_000 + b'\r\n')
    with gevent.Timeout(10):
        assert client.recv(4096).startswith(b'HTTP/1.1 404')
        while server.pool:
            gevent.sleep(0.01)
    assert faults == []
    client.close()


def half_sent(server):
    client = socket.create_connection(server.socket.getsockname())
    client.sendall(b'POST /m/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx')
    return client, b''


def test_a_body_for_which_there_is_no_room_is_told_when_to_come_again(served):
    server, budget = served
    budget.reserve(2 * SIZE)
    client, received = ask(server, b'bad')
    assert received.split()[1] == b'400'
    client.close()
    budget.reserve(SIZE // 2)
    client, received = ask(server, b'bad')
    assert received.startswith(b'HTTP/1.1 503')
    assert b'Retry-After: 1\r\n' in received
    assert b'--max-buffered-bytes' in received
    client.close()
    assert budget.held_bytes == 2 * SIZE + SIZE // 2


def test_a_client_that_leaves_in_the_middle_of_its_body_or_of_its_answer_holds_nothing(served):
    server, budget = served
    client = socket.create_connection(server.socket.getsockname())
    client.sendall(b'POST /m/predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n' % SIZE
                   + bytes(SIZE // 2))
    with gevent.Timeout(5):
        while budget.held_bytes < SIZE // 4:
            gevent.sleep(0.01)
    client.close()
    other, _ = ask(server, b'good')
    other.close()
    with gevent.Timeout(5):
        while budget.held_bytes:
            gevent.sleep(0.01)
