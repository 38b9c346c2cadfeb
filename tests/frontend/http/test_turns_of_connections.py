"""No connection keeps the others from being answered, whatever it sends or takes."""

import socket
import threading

import gevent
import pytest
from gevent import socket as gsocket

from mms.frontend.http import answer_writer
from mms.frontend.http.binding import bind
from mms.frontend.http.server import HTTPServer

LARGE = 64 * 1024 * 1024


class App:
    """Counts what it answered; reads a body to its end, and answers as much as it is asked for."""

    def __init__(self):
        self.answered = []

    def __call__(self, environ, start_response):
        path = environ['PATH_INFO']
        while environ['wsgi.input'].read(10_000):
            pass
        size = int(environ['QUERY_STRING'] or 2)
        start_response('200 OK', [('Content-Length', str(size))])
        yield b'x' * size
        self.answered.append(path)


@pytest.fixture
def served():
    app = App()
    server = HTTPServer(bind('127.0.0.1', 0), app)
    server.listen()
    yield server, app
    server.end()


def connect(server):
    client = gsocket.create_connection(server.socket.getsockname())
    client.settimeout(20)
    return client


def ask(client, target='/other'):
    client.sendall(f'GET {target} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
    return client.recv(1000)


def drained(client):
    """Reads all that comes, in a thread of its own, as fast as it can."""
    def read():
        while client._sock.recv(1 << 20):
            pass

    client._sock.setblocking(True)
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def test_who_sends_many_requests_at_once_has_them_answered_in_turn_with_others(served):
    server, app = served
    with connect(server) as many, connect(server) as other:
        ask(other)
        reader = drained(many)
        many._sock.sendall(b'GET /many HTTP/1.1\r\nHost: x\r\n\r\n' * 5000)
        gevent.sleep(0.002)
        assert ask(other).startswith(b'HTTP/1.1 200')
        assert app.answered.count('/many') < 2500
        with gevent.Timeout(60):
            while app.answered.count('/many') < 5000:
                gevent.sleep(0.01)
        many._sock.shutdown(socket.SHUT_RDWR)
        reader.join(20)


@pytest.mark.alone
def test_chunks_of_a_byte_hold_up_nobody(served):
    server, app = served
    with connect(server) as tiny, connect(server) as other:
        ask(other)
        tiny.sendall(b'POST /tiny HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
        sending = gevent.spawn(tiny.sendall, b'1\r\nx\r\n' * 200_000 + b'0\r\n\r\n')
        gevent.sleep(0.01)
        for _ in range(5):
            assert ask(other).startswith(b'HTTP/1.1 200')
        assert '/tiny' not in app.answered
        assert tiny.recv(1000).startswith(b'HTTP/1.1 200')
        sending.get()


def test_a_large_answer_that_is_taken_fast_holds_up_nobody(served):
    server, app = served
    with connect(server) as large, connect(server) as other:
        ask(other)
        reader = drained(large)
        large._sock.sendall(f'GET /large?{10 * LARGE} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
        with gevent.Timeout(20):
            while not server.connections.busy:
                gevent.sleep(0.001)
        assert ask(other).startswith(b'HTTP/1.1 200')
        assert '/large' not in app.answered
        with gevent.Timeout(60):
            while '/large' not in app.answered:
                gevent.sleep(0.01)
        large._sock.shutdown(socket.SHUT_RDWR)
        reader.join(20)


def test_a_client_that_takes_nothing_of_its_answer_is_left(served, monkeypatch, caplog):
    monkeypatch.setattr(answer_writer, '_ANSWER_STALL_S', 0.1)
    server, app = served
    with connect(server) as idle:
        idle.sendall(f'GET /idle?{LARGE} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
        with gevent.Timeout(20):
            while not server.connections.busy:
                gevent.sleep(0.001)
            while server.connections.busy:
                gevent.sleep(0.01)
    assert app.answered == []
    assert 'has taken nothing of its answer' in caplog.text
    assert 'Traceback' not in caplog.text


@pytest.mark.parametrize(('sent', 'status'), [
    (b'GET / HTTP/1.1\r\n' + b'A: b\r\n' * 200, b'431'),
    (b'GET / HTTP/1.1\r\nA: ' + b'b' * 70_000, b'431'),
    (b'GET / HTTP/1.1\r\n' + (b'A: ' + b'b' * 8000 + b'\r\n') * 9, b'431'),
    (b'GET / HTTP/1.1\r\n' + (b'A: ' + b'b' * 8000 + b'\r\n') * 7 + b'\r\n', b'200'),
])
def test_a_head_is_small(served, sent, status):
    server, _ = served
    with connect(server) as client:
        client.sendall(sent)
        assert client.recv(1000).split()[1] == status


def test_a_head_and_its_trailers_are_small_together(served):
    server, app = served
    head = b'POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\nA: ' + b'b' * 50_000 + b'\r\n\r\n'
    for size, is_served in ((10_000, True), (16_000, False)):
        app.answered.clear()
        with connect(server) as client:
            client.sendall(head + b'0\r\nB: ' + b'c' * size + b'\r\n\r\n')
            client.recv(1000)
        assert app.answered == (['/p'] if is_served else [])
