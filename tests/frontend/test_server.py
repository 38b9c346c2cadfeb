import socket

import gevent
import gevent.event
import pytest
from gevent import socket as gsocket

from mms.errors import AddressError
from mms.frontend.server import HTTPServer, bind


def app(environ, start_response):
    start_response('200 OK', [('Content-Length', '2'), ('Content-Type', 'text/plain')])
    return [b'ok']


class Recording(HTTPServer):
    """Keeps the sockets that it accepted."""

    def handle(self, sock, address):
        self.accepted = [*getattr(self, 'accepted', []), sock]
        super().handle(sock, address)


def ask(client):
    client.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    return client.recv(1000)


@pytest.fixture
def server():
    server = Recording(bind('127.0.0.1', 0), app)
    server.listen()
    yield server
    server.end()


def test_accepted_sockets_send_without_delay_on_a_kept_alive_connection(server):
    with gsocket.create_connection(server.socket.getsockname()) as client:
        for _ in range(3):
            assert ask(client).startswith(b'HTTP/1.1 200 OK')
        [accepted] = server.accepted
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_drain_waits_for_the_request_in_flight_and_not_for_idle_connections():
    release = gevent.event.Event()

    def slow(environ, start_response):
        release.wait()
        return app(environ, start_response)

    server = HTTPServer(bind('127.0.0.1', 0), slow)
    server.listen()
    address = server.socket.getsockname()
    idle = gsocket.create_connection(address)
    asking = gevent.spawn(ask, gsocket.create_connection(address))
    gevent.sleep(0.05)
    draining = gevent.spawn(server.drain, 30, gevent.event.Event())
    gevent.sleep(0.05)
    assert not draining.ready()
    release.set()
    assert b'Connection: close' in asking.get()
    assert draining.get() is True
    server.end()
    assert idle.recv(10) == b''


def test_a_drain_gives_up_after_its_time():
    server = HTTPServer(bind('127.0.0.1', 0), lambda environ, start: gevent.sleep(60))
    server.listen()
    gevent.spawn(ask, gsocket.create_connection(server.socket.getsockname()))
    gevent.sleep(0.05)
    assert server.drain(0.1, gevent.event.Event()) is False
    server.end()


def test_a_taken_port_is_an_address_error():
    with socket.socket() as holder:
        holder.bind(('127.0.0.1', 0))
        holder.listen()
        with pytest.raises(AddressError, match='already in use'):
            bind('127.0.0.1', holder.getsockname()[1])


def test_ipv6_is_served():
    server = HTTPServer(bind('::1', 0), app)
    server.listen()
    with gsocket.create_connection(server.socket.getsockname()[:2]) as client:
        assert ask(client).startswith(b'HTTP/1.1 200 OK')
    server.end()


def test_an_application_can_ask_whether_its_client_has_left():
    answers, go_on = [], gevent.event.Event()

    def asks(environ, start_response):
        answers.append(environ['mms.client_left']())
        go_on.wait()
        # Any thread may ask.
        answers.append(gevent.get_hub().threadpool.apply(environ['mms.client_left']))
        return app(environ, start_response)

    server = HTTPServer(bind('127.0.0.1', 0), asks)
    server.listen()
    for more, leaves in [(b'', False), (b'GET / HTTP/1.1\r\n', False), (b'', True)]:
        answers.clear()
        go_on.clear()
        client = gsocket.create_connection(server.socket.getsockname())
        client.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n' + more)
        gevent.sleep(0.05)
        if leaves:
            client.close()
            gevent.sleep(0.05)
        go_on.set()
        gevent.sleep(0.1)
        assert answers == [False, leaves]
        client.close()
    server.end()


def test_a_large_answer_arrives_whole():
    pieces = [b'a' * 10, b'b' * 100_000, b'', b'c' * 10]

    def large(environ, start_response):
        start_response('200 OK', [('Content-Length', '100020')])
        return pieces

    server = HTTPServer(bind('127.0.0.1', 0), large)
    server.listen()
    with gsocket.create_connection(server.socket.getsockname()) as client:
        client.sendall(b'GET / HTTP/1.0\r\nHost: x\r\n\r\n')
        assert client.makefile('rb').read().partition(b'\r\n\r\n')[2] == b''.join(pieces)
    server.end()
