import errno
import json
import logging
import os
import socket
import struct
import time
from contextlib import suppress

import gevent
import gevent.event
import pytest
from gevent import socket as gsocket
from werkzeug.exceptions import RequestTimeout

from mms.errors import AddressError
from mms.frontend.http import connection
from mms.frontend.http.binding import bind
from mms.frontend.http.body import read_body
from mms.frontend.http.server import HTTPServer
from mms.runtime.byte_budget import ByteBudget


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


@pytest.mark.parametrize('asked_before', [True, False])
def test_a_drain_waits_a_moment_for_who_may_be_about_to_ask(server, monkeypatch, asked_before):
    monkeypatch.setattr('mms.frontend.http.open_connections._ASKS_WITHIN_S', 20)
    with gsocket.create_connection(server.socket.getsockname()) as client:
        if asked_before:
            assert b'Connection: close' not in ask(client)
        draining = gevent.spawn(server.drain, 30, gevent.event.Event())
        gevent.sleep(0.3)
        assert b'Connection: close' in ask(client)
        assert client.recv(10) == b''
        assert draining.get() is True


def test_a_drain_does_not_wait_for_a_connection_that_has_long_been_idle(server, monkeypatch):
    monkeypatch.setattr('mms.frontend.http.open_connections._ASKS_WITHIN_S', 0.2)
    with gsocket.create_connection(server.socket.getsockname()) as client:
        ask(client)
        gevent.sleep(0.3)
        assert not server.connections.awaited
        began = time.monotonic()
        assert server.drain(30, gevent.event.Event()) is True
        assert time.monotonic() - began < 20
        server.end()
        assert client.recv(10) == b''


def test_who_hurries_waits_for_nobody(server):
    hurry = gevent.event.Event()
    hurry.set()
    with gsocket.create_connection(server.socket.getsockname()) as client:
        ask(client)
        assert server.drain(30, hurry) is True


def test_what_a_kept_open_socket_has_not_accepted_is_left_to_the_next_server():
    sock = bind('127.0.0.1', 0)
    kept = gsocket.socket(fileno=os.dup(sock.fileno()))
    first = HTTPServer(sock, app, is_kept_open=True)
    first.listen()
    # By the kernel alone: the loop has not accepted it.
    client = socket.create_connection(kept.getsockname())
    client.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    assert first.drain(30, gevent.event.Event()) is True
    first.end()
    second = HTTPServer(kept, app)
    second.listen()
    with client:
        gevent.sleep(0.1)
        assert client.recv(1000).startswith(b'HTTP/1.1 200')
    second.end()


def test_a_drain_gives_up_after_its_time():
    server = HTTPServer(bind('127.0.0.1', 0), lambda environ, start: gevent.sleep(60))
    server.listen()
    gevent.spawn(ask, gsocket.create_connection(server.socket.getsockname()))
    gevent.sleep(0.05)
    assert server.drain(0.1, gevent.event.Event()) is False
    server.end()


def test_who_has_connected_before_a_drain_is_answered():
    server = HTTPServer(bind('127.0.0.1', 0), app)
    server.listen()
    address = server.socket.getsockname()
    # By the kernel alone: the loop has accepted none of them.
    clients = [socket.create_connection(address) for _ in range(200)]
    for client in clients:
        client.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    assert server.drain(30, gevent.event.Event()) is True
    server.end()
    for client in clients:
        assert client.recv(1000).startswith(b'HTTP/1.1 200')
        client.close()


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
    for more, leaves in [(b'', False), (b'GET / HTTP/1.1\r\n', False), (b'', True),
                         (b'GET / HTTP/1.1\r\n', True)]:
        answers.clear()
        go_on.clear()
        client = gsocket.create_connection(server.socket.getsockname())
        client.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n' + more)
        gevent.sleep(0.05)
        if leaves:
            client.close()
            gevent.sleep(1.1)
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


def test_a_client_that_closed_its_sending_side_is_there_for_a_while(server):
    def asks(environ, start_response):
        gevent.sleep(0.1)
        answers.append(environ['mms.client_left']())
        gevent.sleep(1)
        answers.append(environ['mms.client_left']())
        return app(environ, start_response)

    answers = []
    server.application = asks
    with gsocket.create_connection(server.socket.getsockname()) as client:
        client.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1000).startswith(b'HTTP/1.1 200')
    assert answers == [False, True]


def test_a_connection_that_was_reset_is_gone_at_once(server):
    def asks(environ, start_response):
        gevent.sleep(0.1)
        answers.append(environ['mms.client_left']())
        return app(environ, start_response)

    answers = []
    server.application = asks
    client = gsocket.create_connection(server.socket.getsockname())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    gevent.sleep(0.05)
    client.close()
    gevent.sleep(0.2)
    assert answers == [True]


def reads(environ, start_response):
    try:
        read_body(environ, 1000, ByteBudget())
    except RequestTimeout as error:
        return error(environ, start_response)
    return app(environ, start_response)


@pytest.mark.parametrize(('sent', 'answer'), [
    (b'', b''), (b'GET', b'HTTP/1.1 408'), (b'GET / HTTP/1.1\r\nHost: x\r\n', b'HTTP/1.1 408'),
    (b'POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc', b'HTTP/1.1 408'),
    (b'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc', b'HTTP/1.1 408'),
    (b'GET / HTTP/1.1\r\n\r\n', b'HTTP/1.1 200'),
])
def test_a_client_that_stops_sending_is_not_waited_for(server, monkeypatch, sent, answer):
    for name in ('_HEAD_S', '_IDLE_S', '_BODY_STALL_S', '_LINGER_S'):
        monkeypatch.setattr(connection, name, 0.2)
    server.application = reads
    with gsocket.create_connection(server.socket.getsockname()) as client:
        client.settimeout(5)
        client.sendall(sent)
        got = client.makefile('rb').read()
    assert got[:12] == answer
    assert (b'Connection: close' in got) is (b'408' in answer)


def test_a_head_in_drops_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(connection, '_HEAD_S', 0.3)
    with gsocket.create_connection(server.socket.getsockname()) as client:
        client.settimeout(5)
        with suppress(OSError):
            for _ in range(10):
                client.sendall(b'x')
                gevent.sleep(0.06)
        assert client.recv(1000).startswith(b'HTTP/1.1 408')


def test_nobody_lingers_for_a_body_that_was_never_asked_for(server):
    begun = time.monotonic()
    with gsocket.create_connection(server.socket.getsockname()) as client:
        client.sendall(b'POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 9\r\n\r\n')
        assert client.makefile('rb').read().startswith(b'HTTP/1.1 200')
    assert time.monotonic() - begun < 2


def test_who_expects_in_capitals_is_told_to_go_on(server):
    server.application = reads
    with gsocket.create_connection(server.socket.getsockname()) as client:
        client.sendall(b'POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n')
        assert client.recv(1000) == b'HTTP/1.1 100 Continue\r\n\r\n'
        client.sendall(b'abc')
        assert client.recv(1000).startswith(b'HTTP/1.1 200')


def test_a_want_of_descriptors_is_one_warning_and_the_server_goes_on(server, caplog, capfd,
                                                                     monkeypatch):
    def fails():
        raise OSError(errno.EMFILE, 'Too many open files')

    monkeypatch.setattr(server, 'do_read', fails)
    with gsocket.create_connection(server.socket.getsockname()) as client:
        gevent.sleep(0.8)
        monkeypatch.undo()
        assert ask(client).startswith(b'HTTP/1.1 200')
    [record] = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    assert 'Too many open files' in record.getMessage()
    assert capfd.readouterr().err == ''


def test_a_failure_of_the_loop_is_in_the_log_and_not_on_the_terminal(server, caplog, capfd):
    gevent.spawn(lambda: 1 / 0).join()
    assert 'ZeroDivisionError' in caplog.text
    assert capfd.readouterr().err == ''


@pytest.mark.parametrize('begun', [False, True])
def test_an_application_that_raises_is_a_500_in_json(begun):
    def raises(environ, start_response):
        if begun:
            start_response('200 OK', [('Content-Type', 'text/html')])
        raise ValueError('broken')

    server = HTTPServer(bind('127.0.0.1', 0), raises)
    server.listen()
    with gsocket.create_connection(server.socket.getsockname()) as client:
        client.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        head, _, body = client.makefile('rb').read().partition(b'\r\n\r\n')
    server.end()
    assert head.startswith(b'HTTP/1.1 500 ')
    assert b'Content-Type: application/json' in head
    assert json.loads(body)['type'] == 'InternalServerException'
