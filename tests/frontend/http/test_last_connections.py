"""Listeners that end beside others on their port, over real sockets."""

import socket as blocking

import gevent
import pytest
from fleet import until
from gevent import socket
from gevent.event import Event

from mms.event_loop.in_thread import in_thread
from mms.frontend.http import last_connections
from mms.frontend.http.binding import bind
from mms.frontend.http.server import HTTPServer
from mms.runtime.reuse_port import lead_to


class Shared:
    """A server of a shared port that answers with its name."""

    def __init__(self, name, port=0):
        self.server = HTTPServer(bind('127.0.0.1', port, reuse_port=True), self._answer)
        self.server.listen()
        self.port = self.server.socket.getsockname()[1]
        self.name, self.pause_s = name, 0.0

    def _answer(self, environ, start_response):
        start_response('200 OK', [('Content-Length', '1')])
        gevent.sleep(self.pause_s)
        return [self.name]

    def drain(self):
        return self.server.drain(10, Event())


@pytest.fixture
def shared():
    """Servers of these names on one port."""
    made = []

    def start(names):
        for name in names:
            made.append(Shared(name.encode(), made[0].port if made else 0))
        return made

    with bind('127.0.0.1', 0, reuse_port=True) as sock:
        sock.listen()
        if not lead_to(sock, 0):
            pytest.skip('the kernel takes no program that leads connections to a listener')
    yield start
    for one in made:
        one.server.end()


def ask(port):
    """The name of the server that answers."""
    with socket.create_connection(('127.0.0.1', port)) as client:
        client.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        answer = b''
        while not answer.endswith((b'\na', b'\nb', b'\nc')):
            piece = client.recv(1000)
            assert piece, 'no answer'
            answer += piece
    return answer[-1:].decode()


def asked(port, times=20):
    return {ask(port) for _ in range(times)}


@pytest.mark.parametrize(('ends', 'others'), [('a', {'b'}), ('b', {'a'})])
def test_new_connections_are_led_to_the_other_before_a_listener_closes(shared, ends, others):
    servers = dict(zip('ab', shared('ab')))
    port = servers['a'].port
    assert asked(port) == {'a', 'b'}
    ending = gevent.spawn(servers[ends].drain)
    # It tries the numbers first; each of these asks is answered.
    until(lambda: asked(port) == others)
    assert ending.get() is True
    assert asked(port) == others


def test_three_end_one_after_the_other_whoever_has_which_number(shared):
    servers = dict(zip('abc', shared('abc')))
    port, stopped, answered = servers['a'].port, [], []

    def go_on_asking():
        while not stopped:
            answered.append(ask(port))

    clients = [gevent.spawn(in_thread, go_on_asking) for _ in range(3)]
    with gevent.Timeout(30):
        while set(answered) != {'a', 'b', 'c'}:
            gevent.sleep(0.01)
    for name in 'ab':
        assert servers[name].drain() is True
    assert asked(port) == {'c'}
    stopped.append(True)
    gevent.joinall(clients, raise_error=True)


def test_a_listener_that_comes_later_shares_again(shared):
    first, second = shared('ab')
    assert first.drain() is True
    # The kernel goes on leading connections to number 1 until the third says otherwise.
    assert lead_to(second.server.socket, 1)
    shared('c')
    assert asked(second.port, 40) == {'b', 'c'}


def test_who_waits_for_the_last_listener_is_answered(shared):
    only, = shared('a')
    with socket.create_connection(('127.0.0.1', only.port)) as client:
        client.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        assert only.drain() is True
        assert client.recv(1000).endswith(b'a')
    with pytest.raises(ConnectionRefusedError):
        ask(only.port)


def test_who_is_accepted_at_the_very_end_is_answered(shared, monkeypatch):
    monkeypatch.setattr(last_connections, '_ACCEPT_S', 0)
    only, = shared('a')
    only.pause_s = 0.1
    with blocking.create_connection(('127.0.0.1', only.port)) as client:
        client.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        # Nobody else has had a turn.
        assert only.drain() is True
        only.server.end()
        assert client.recv(1000).endswith(b'a')
