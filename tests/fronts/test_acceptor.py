"""Connections beyond a limit, whose fronts take their time over making room."""

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from mms.frontend.http.binding import bind
from mms.frontend.http.limits import Limits
from mms.fronts import acceptor as under_test
from mms.fronts.acceptor import Acceptor

ASK = b'GET /m HTTP/1.1\r\nHost: x\r\n\r\n'


class Takers:
    """Have each connection, and make no room before they are told to."""

    def __init__(self):
        self.answering = Event()
        self.asked = 0
        self._taken = []

    def hand_over(self, listener, sock, peer):
        self._taken.append(sock.dup())
        return True

    def make_room(self, listener):
        self.asked += 1
        self.answering.wait()
        return False


@pytest.fixture
def takers():
    made = Takers()
    yield made
    made.answering.set()


@pytest.fixture
def server(takers):
    made = Acceptor('http', takers, bind('127.0.0.1', 0), None, limits=Limits(connections=1))
    made.listen()
    yield made
    made.end()


def connect(server):
    return socket.create_connection(server.socket.getsockname(), timeout=10)


def until(condition):
    with gevent.Timeout(10):
        while not condition():
            gevent.sleep(0.001)


def test_no_more_wait_for_room_than_are_heard_without_any(server, takers, monkeypatch):
    monkeypatch.setattr(under_test, 'MOST_HEARD', 2)
    clients = [connect(server)]
    for waiting in (1, 2):
        clients.append(connect(server))
        until(lambda waiting=waiting: takers.asked == waiting)
    with connect(server) as told_at_once:
        told_at_once.sendall(ASK)
        assert told_at_once.recv(1000).startswith(b'HTTP/1.1 503 ')
    assert takers.asked == 2
    takers.answering.set()
    for client in clients[1:]:
        client.sendall(ASK)
        assert client.recv(1000).startswith(b'HTTP/1.1 503 ')


def test_who_waits_for_room_when_the_server_ends_is_told_that_there_is_none(server, takers,
                                                                             caplog):
    clients = [connect(server), connect(server)]
    until(lambda: takers.asked)
    draining = gevent.spawn(server.drain, 10, Event())
    until(lambda: server.closed)
    takers.answering.set()
    assert clients[1].recv(1000).startswith(b'HTTP/1.1 503 ')
    assert draining.get(timeout=10)
    assert not server.is_awaited
    assert not [record for record in caplog.records if record.levelname == 'ERROR']
