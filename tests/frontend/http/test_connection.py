"""What becomes of a client that leaves, or takes nothing, at a moment that is no good one."""

from contextlib import suppress

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from mms.event_loop.yielding import RunQueue
from mms.frontend.http import connection
from mms.frontend.http.admission import Peer
from mms.frontend.http.binding import bind
from mms.frontend.http.connection import Connection
from mms.frontend.http.server import HTTPServer


def fails(environ, start_response):
    raise ValueError('broken')


@pytest.fixture
def server():
    server = HTTPServer(bind('127.0.0.1', 0), fails)
    yield server
    server.close()


def test_who_leaves_just_before_its_time_is_over_is_not_late(server, monkeypatch):
    monkeypatch.setattr(connection, '_IDLE_S', 0.2)
    left = Event()

    def wait_for_turn(queue=RunQueue.WORK):
        left.set()
        gevent.sleep(0.4)

    monkeypatch.setattr(connection, 'yield_if_due', wait_for_turn)
    ours, theirs = socket.socketpair()
    theirs.close()
    Connection(ours, Peer('127.0.0.1', 1), server).handle()
    assert left.is_set()
    assert set(server.refusals.counts().values()) == {0}


@pytest.mark.parametrize('sent', [b'no request\r\n', b'GET / HTTP/1.1\r\n\r\n'])
def test_who_takes_nothing_is_not_told_for_ever_what_is_wrong(server, monkeypatch, sent):
    monkeypatch.setattr(connection, '_REFUSAL_S', 0.1)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    for size in (65536, 1):
        with suppress(BlockingIOError):
            while ours.send(b'x' * size):
                pass
    with theirs:
        theirs.sendall(sent)
        with gevent.Timeout(10):
            Connection(ours, Peer('127.0.0.1', 1), server).handle()
