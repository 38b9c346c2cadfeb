"""Who sends or takes a byte now and then is told so, or left; who is slow for a reason is not."""

import gevent
import pytest
from gevent import socket

from mms.frontend.http import pace
from mms.frontend.http.binding import bind
from mms.frontend.http.body import read_body
from mms.frontend.http.limits import Limits
from mms.frontend.http.pace import Pace, Transfer
from mms.frontend.http.server import HTTPServer
from mms.metrics.refusals import Refusals
from mms.runtime.byte_budget import ByteBudget

POST = b'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n'
LARGE = 40 * 2**20


def app(environ, start_response):
    try:
        body = read_body(environ, 10**6, ByteBudget())
    except Exception as error:
        text = str(getattr(error, 'description', error)).encode()
        start_response('408 REQUEST TIMEOUT', [('Content-Length', str(len(text)))])
        return [text]
    if environ['PATH_INFO'] == '/think':
        gevent.sleep(1)
    size = LARGE if environ['PATH_INFO'] == '/large' else len(body)
    start_response('200 OK', [('Content-Length', str(size))])
    return [bytes(size)]


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(pace, '_LOOK_S', 0.05)
    server = HTTPServer(bind('127.0.0.1', 0), app, refusals=Refusals(),
                        limits=Limits(least_rate=1000, rate_window_s=0.5))
    server.listen()
    yield server
    server.end()


@pytest.fixture
def client(server):
    with socket.create_connection(server.socket.getsockname(), timeout=20) as client:
        yield client


def drip(client, data):
    for byte in data:
        client.sendall(bytes([byte]))
        gevent.sleep(0.05)


def test_a_body_that_drips_is_answered_408_and_closed(server, client):
    client.sendall(POST)
    dripping = gevent.spawn(drip, client, bytes(100))
    answer = client.recv(1000)
    assert answer.startswith(b'HTTP/1.1 408')
    assert b'less than 1000 bytes a second (--min-transfer-rate)' in answer
    dripping.kill()
    while client.recv(1000):
        pass
    assert server.refusals.counts()['slow_upload'] == 1


def test_a_body_that_comes_in_time_is_read_whole(server, client):
    client.sendall(POST)
    for _ in range(10):
        client.sendall(bytes(100))
        gevent.sleep(0.08)
    assert client.recv(1000).startswith(b'HTTP/1.1 200')
    assert server.refusals.counts()['slow_upload'] == 0


def test_a_model_may_think_for_longer(server, client):
    client.sendall(b'GET /think HTTP/1.1\r\nHost: x\r\n\r\n')
    assert client.recv(1000).startswith(b'HTTP/1.1 200')


def test_who_takes_hardly_anything_of_a_large_answer_is_left(server, client):
    client.sendall(b'GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
    client.recv(1)
    with gevent.Timeout(20):
        while not server.refusals.counts()['slow_reader']:
            gevent.sleep(0.05)
    with gevent.Timeout(20):
        while server.connections:
            gevent.sleep(0.05)


def test_who_takes_it_in_time_has_all_of_it(server, client):
    client.sendall(b'GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
    got = 0
    while got < LARGE:
        got += len(client.recv(2**20))
        gevent.sleep(0.03)
    assert server.refusals.counts()['slow_reader'] == 0


class Scripted:
    """A connection on which so much has come each time it is asked."""

    def __init__(self, *transfers):
        self.transfers = list(transfers)
        self.rates = []

    def transfer(self):
        return self.transfers.pop(0)

    def end_slow(self, rate):
        self.rates.append(rate)


class Always:
    def __init__(self, *connections):
        self.connections = connections

    def oldest(self, use, before, most):
        return self.connections


@pytest.mark.parametrize(('counts', 'ended'), [
    ([1000, 1000, 1000, 1000], True), ([0, 5000, 10_000, 15_000], False),
    ([0, 400, 800, 1200], True), ([0, 100_000, 100_000, 100_001], True),
])
def test_each_window_counts_for_itself(monkeypatch, counts, ended):
    now = [100.0]
    monkeypatch.setattr(pace.time, 'monotonic', lambda: now[0])
    monkeypatch.setattr(pace.TimeSlice, 'yield_if_over', lambda self: None)
    connection = Scripted(*(Transfer(1, True, count) for count in counts))
    looking = Pace(Always(connection), Limits())
    looking._rate, looking._window_s = 1000, 2.0
    for _ in counts:
        looking.look()
        now[0] += 2.0
        if connection.rates:
            break
    assert bool(connection.rates) is ended


def test_one_request_after_another_is_not_one_that_is_slow(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(pace.time, 'monotonic', lambda: now[0])
    monkeypatch.setattr(pace.TimeSlice, 'yield_if_over', lambda self: None)
    connection = Scripted(Transfer(1, True, 5), Transfer(2, True, 5), None, Transfer(3, False, 5))
    looking = Pace(Always(connection), Limits())
    looking._rate, looking._window_s = 1000, 2.0
    for _ in range(4):
        looking.look()
        now[0] += 2.0
    assert not connection.rates
