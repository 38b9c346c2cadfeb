"""Beyond the limits of connections, room is made, the health of the server is told, and why."""

import json
import time

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from mms.config.trusted_proxies import TrustedProxies
from mms.event_loop.yielding import RunQueue
from mms.frontend.http import admission, connection
from mms.frontend.http.admission import Peer
from mms.frontend.http.binding import bind
from mms.frontend.http.limits import Limits
from mms.frontend.http.server import HTTPServer
from mms.metrics.refusals import Refusals

ASK = b'GET %s HTTP/1.1\r\nHost: x\r\n\r\n'


def app(environ, start_response):
    if environ['PATH_INFO'] == '/slow':
        environ['mms.client_left']()
        gevent.sleep(5)
    start_response('200 OK', [('Content-Length', '2'), ('Content-Type', 'text/plain')])
    return [b'ok']


@pytest.fixture
def serve():
    servers = []

    def start(**limits):
        server = HTTPServer(bind('127.0.0.1', 0), app, limits=Limits(**limits),
                            refusals=Refusals())
        servers.append(server)
        server.listen()
        return server
    yield start
    for server in servers:
        server.end()


def connect(server, path=b''):
    client = socket.create_connection(server.socket.getsockname(), timeout=10)
    if path:
        client.sendall(ASK % path)
    return client


def answer(client):
    data = client.recv(10_000)
    head, _, body = data.partition(b'\r\n\r\n')
    return int(head.split()[1]), head.decode(), body


def until(condition):
    with gevent.Timeout(10):
        while not condition():
            gevent.sleep(0.01)


def test_a_new_connection_takes_the_place_of_the_one_that_has_waited_longest(serve, monkeypatch):
    monkeypatch.setattr(admission, '_IDLE_S', 0.05)
    server = serve(connections=2)
    first, second = connect(server, b'/'), connect(server, b'/')
    assert answer(first)[0] == answer(second)[0] == 200
    second.sendall(ASK % b'/')
    assert answer(second)[0] == 200
    gevent.sleep(0.1)
    third = connect(server, b'/')
    assert answer(third)[0] == 200
    assert first.recv(100) == b''
    second.sendall(ASK % b'/')
    assert answer(second)[0] == 200
    assert set(server.refusals.counts().values()) == {0}


def test_one_on_which_a_request_has_come_gives_no_way(serve):
    server = serve(connections=2)
    client = connect(server, b'/')
    assert answer(client)[0] == 200
    [served] = server.connections.oldest(admission.Use.WAITING, time.monotonic(), 9)
    client.sendall(ASK % b'/')
    # The server has had no turn since.
    assert not served.give_way()
    assert answer(client)[0] == 200


@pytest.mark.parametrize('pieces', [[b'GET / HTTP/1.1\r\n\r\n'], [b'GET / HTTP/1.1\r\n', b'\r\n']])
def test_one_whose_request_was_read_and_waits_for_its_turn_gives_no_way(serve, monkeypatch, pieces):
    server = serve(connections=1)
    client = connect(server, b'/')
    assert answer(client)[0] == 200
    has_come, turn = Event(), Event()

    def wait_for_turn(queue=RunQueue.WORK):
        has_come.set()
        turn.wait()

    monkeypatch.setattr(connection, 'yield_if_due', wait_for_turn)
    for piece in pieces:
        client.sendall(piece)
        gevent.sleep(0.01)
    assert has_come.wait(10)
    assert not server.connections.oldest(admission.Use.WAITING, time.monotonic(), 9)
    turn.set()
    assert answer(client)[0] == 200


def test_a_head_that_is_slow_gives_way_and_is_told(serve, monkeypatch):
    monkeypatch.setattr(admission, '_SLOW_HEAD_S', 0.05)
    server = serve(connections=1)
    slow = connect(server)
    slow.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n')
    until(lambda: server.connections.oldest(admission.Use.READING, time.monotonic() - 0.1, 1))
    assert answer(connect(server, b'/'))[0] == 200
    assert answer(slow)[0] == 408
    assert server.refusals.counts()['late_head'] == 1


def test_where_all_are_in_use_probes_are_answered_and_others_told_why(serve, monkeypatch):
    monkeypatch.setattr(connection, '_PROBE_S', 0.3)
    server = serve(connections=1)
    busy = connect(server, b'/slow')
    until(lambda: server.connections.busy)
    status, head, _ = answer(connect(server, b'/ping'))
    assert (status, 'Connection: close' in head) == (200, True)
    status, head, body = answer(connect(server, b'/'))
    assert (status, 'Retry-After: 1' in head) == (503, True)
    assert '--max-connections' in json.loads(body)['message']
    assert answer(connect(server, b'/health/ready?a'))[0] == 200
    silent = connect(server)
    assert silent.recv(10) == b''
    assert server.refusals.counts()['max_connections'] == 1
    busy.close()


def test_of_those_beyond_it_too_many_are_told_without_being_heard(serve, monkeypatch):
    monkeypatch.setattr(admission, 'MOST_HEARD', 1)
    server = serve(connections=1)
    busy = connect(server, b'/slow')
    until(lambda: server.connections.busy)
    heard, unheard = connect(server), connect(server)
    status, head, _ = answer(unheard)
    assert (status, 'X-Request-Id' in head) == (503, False)
    heard.close()
    until(lambda: len(server.connections) == 1)
    assert answer(connect(server, b'/ping'))[0] == 200
    busy.close()


def test_those_beyond_it_take_the_place_of_nobody(serve, monkeypatch):
    monkeypatch.setattr(connection, '_PROBE_S', 20)
    monkeypatch.setattr(admission, '_IDLE_S', 0.01)
    server = serve(connections=1, connections_per_client=1)
    first = connect(server, b'/')
    assert answer(first)[0] == 200
    heard = [connect(server) for _ in range(3)]
    until(lambda: len(server.connections) == 4)
    other = socket.create_connection(server.socket.getsockname(), 10, ('127.0.0.2', 0))
    other.sendall(ASK % b'/')
    assert answer(other)[0] == 200
    assert first.recv(10) == b''
    gevent.sleep(0.02)
    another = socket.create_connection(server.socket.getsockname(), 10, ('127.0.0.3', 0))
    another.sendall(ASK % b'/')
    assert answer(another)[0] == 200
    assert other.recv(10) == b''
    heard[0].sendall(ASK % b'/ping')
    assert answer(heard[0])[0] == 200


def test_one_whose_body_is_still_awaited_after_its_answer_gives_way_without_an_error(
        serve, monkeypatch, caplog):
    monkeypatch.setattr(admission, '_IDLE_S', 0.01)
    server = serve(connections=1)
    early = connect(server)
    early.sendall(b'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n')
    assert answer(early)[0] == 200
    gevent.sleep(0.02)
    assert answer(connect(server, b'/'))[0] == 200
    assert early.recv(10) == b''
    assert caplog.records == []


def test_one_client_has_as_many_as_it_may(serve):
    server = serve(connections_per_client=2)
    first, second = connect(server, b'/'), connect(server, b'/')
    assert answer(first)[0] == answer(second)[0] == 200
    status, _, body = answer(connect(server, b'/'))
    assert (status, json.loads(body)['type']) == (429, 'TooManyRequestsException')
    assert answer(connect(server, b'/ping'))[0] == 200
    first.close()
    until(lambda: len(server.connections) == 1)
    assert answer(connect(server, b'/'))[0] == 200
    assert server.refusals.counts()['max_connections_per_client'] == 1


def test_a_proxy_that_is_trusted_has_any_number(serve):
    server = serve(connections_per_client=1, exempt=TrustedProxies('127.0.0.1'))
    clients = [connect(server, b'/') for _ in range(3)]
    assert [answer(client)[0] for client in clients] == [200] * 3


@pytest.mark.parametrize(('address', 'peer'), [
    (('::1', 7, 0, 0), ('::1', 7, '')), (('10.0.0.1', 7), ('10.0.0.1', 7, '')),
    ('', ('unix', 0, '')), (b'', ('unix', 0, '')),
])
def test_a_peer_has_an_address_and_a_port(address, peer):
    assert Peer.of(address) == peer
