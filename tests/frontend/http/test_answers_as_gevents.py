"""What an application is told, and what its answer becomes: as by gevent's own handler."""

import re

import gevent
import pytest
from gevent import socket
from gevent.pywsgi import WSGIServer

from mms.frontend.http.binding import bind
from mms.frontend.http.server import HTTPServer

# What each server says of itself, and what ours alone has.
OWN = {'SERVER_PORT', 'REMOTE_PORT', 'wsgi.errors', 'wsgi.input', 'mms.client_left'}
LENGTH = ('Content-Length', '4')


class App:
    """Answers as it is told, and notes what it was asked."""

    def __init__(self):
        self.seen = []
        self.status, self.headers, self.pieces, self.written = '200 OK', [LENGTH], [b'text'], b''

    def __call__(self, environ, start_response):
        body = environ['wsgi.input'].read()
        self.seen.append(({name: value for name, value in environ.items() if name not in OWN},
                          body))
        write = start_response(self.status, self.headers)
        if self.written:
            write(self.written)
        return self.pieces() if callable(self.pieces) else self.pieces


def generated():
    yield b'te'
    yield b''
    yield b'xt'


@pytest.fixture(scope='module')
def served():
    ours, theirs = App(), App()
    servers = [HTTPServer(bind('127.0.0.1', 0), ours),
               WSGIServer(('127.0.0.1', 0), theirs, log=None)]
    servers[0].listen()
    servers[1].start()
    yield [(servers[0], ours), (servers[1], theirs)]
    servers[0].end()
    servers[1].stop()


def asked(served, sent, **answer):
    """What came back from each of the two, and what each application was told."""
    came, told = [], []
    for server, app in served:
        app.__init__()
        vars(app).update(answer)
        port = server.socket.getsockname()[1]
        with socket.create_connection(('127.0.0.1', port)) as client, gevent.Timeout(20):
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            came.append(re.sub(rb'Date: [^\r]+', b'Date: now', client.makefile('rb').read()))
        told.append(app.seen)
    return came, told


@pytest.mark.parametrize('sent', [
    b'GET /a?b=%20c&d HTTP/1.1\r\nHost: x\r\n\r\n',
    b'GET /a%20b/%e9%C3%A9/\xe9? HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\n\r\n',
    b'GET / HTTP/1.1\nHost: x\nCookie: a=b\nCookie: c=d\nX-Empty:\n\n',
    b'POST /p HTTP/1.1\r\nContent-Type:  a/b; c=d\r\nContent-Length: 4\r\n\r\nbody',
    b'POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n',
    b'GET / HTTP/1.0\r\n\r\n', b'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n',
    b'GET / HTTP/1.1\r\nConnection: close\r\nX_Y: 1\r\n\r\n',
    b'GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n',
    b'GET /1 HTTP/1.1\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\n\r\n',
    b'GET /1 HTTP/1.0\r\n\r\nGET /2 HTTP/1.1\r\n\r\n', b'OPTIONS * HTTP/1.1\r\n\r\n',
])
def test_an_application_is_told_the_same(served, sent):
    (ours, theirs), (told, expected) = asked(served, sent)
    assert told == expected
    assert ours == theirs


@pytest.mark.parametrize('version', [b'1.0', b'1.1'])
@pytest.mark.parametrize('answer', [
    {'headers': []}, {'headers': [], 'pieces': generated}, {'pieces': generated},
    {'headers': [], 'pieces': []}, {'headers': [], 'pieces': (), 'written': b'text'},
    {'pieces': [b'xt'], 'written': b'te'},
    {'status': '204 NO CONTENT', 'headers': [], 'pieces': []},
    {'status': '304 NOT MODIFIED', 'headers': [('Content-Length', '0')], 'pieces': []},
    {'headers': [LENGTH, ('date', 'then')]}, {'headers': [LENGTH, ('X-A', '\xe9'), ('X-A', '')]},
    {'pieces': [b'', b'text', b'']}, {'status': '599 Own words', 'pieces': [bytearray(b'text')]},
])
def test_an_answer_is_made_into_the_same(served, version, answer):
    (ours, theirs), _ = asked(served, b'GET / HTTP/%s\r\n\r\n' % version, **answer)
    assert ours == theirs


@pytest.mark.parametrize('said', ['close', 'keep-alive'])
def test_an_application_may_say_what_becomes_of_the_connection(served, said):
    (ours, _), (told, expected) = asked(
        served, b'GET / HTTP/1.1\r\n\r\n' * 2, headers=[('Connection', said), LENGTH])
    assert ours.count(f'Connection: {said}\r\n'.encode()) == len(told) == len(expected)


@pytest.mark.parametrize('answer', [
    {'headers': [('X-A', 'a\r\nB: c')]}, {'headers': [('X-A\r\nB', 'c')]}, {'headers': [('X', 1)]},
    {'headers': [('X-A', 'a\nb')]}, {'headers': [('X-A', '\r')]}, {'headers': [('X-A', '\u20ac')]},
    {'headers': [('Connection', 'a\r\nB: c')]}, {'status': '200 OK\r\nB: c'}, {'status': 'OK'},
    {'status': '204 NO CONTENT'}, {'status': '304 NOT MODIFIED', 'headers': []},
])
def test_what_is_no_answer_is_a_500(served, answer):
    (ours, theirs), _ = asked(served, b'GET / HTTP/1.1\r\n\r\n', **answer)
    assert ours.startswith(b'HTTP/1.1 500 ')
    assert theirs.startswith(b'HTTP/1.1 500 ') or answer.get('status', '').startswith('304')
    assert b'B: c' not in ours


@pytest.mark.parametrize('sent', [
    b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', b'GET / HTTP/1.0\r\n\r\n',
    b'POST /p?q HTTP/1.1\nHost: x\nContent-Length: 4\n\nbody',
    b'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-T: a\r\n\r\n',
    b'GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n',
    b'GET / HTTP/1.1\r\nHost : x\r\n\r\n', b'GET /  HTTP/1.1\r\n\r\n', b'GET / HTTP/2.0\r\n\r\n',
    b'GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n', b'\r\nGET / HTTP/1.1\r\n\r\n',
    b'GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n', b'GET / HTTP/1.1\r\nA\r\n\r\n',
    b'POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    b'HEAD / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx', b'GET / HTTP/1.1\r\n' + b'A: b\r\n' * 101
    + b'\r\n', b'GET / HTTP/1.1\r\nA: b\r\n', b'GET / HT',
])
def test_a_head_that_comes_byte_by_byte_is_what_it_is_at_one_go(sent):
    def answered(pieces):
        app = App()
        server = HTTPServer(bind('127.0.0.1', 0), app)
        server.listen()
        with socket.create_connection(server.socket.getsockname()) as client, gevent.Timeout(20):
            for piece in pieces:
                client.sendall(piece)
                gevent.sleep(0)
            client.shutdown(socket.SHUT_WR)
            came = client.makefile('rb').read()
        server.end()
        return re.sub(rb'(Date|X-Request-Id): [^\r]+', rb'\1', came), app.seen

    whole = answered([sent])
    assert answered([sent[place:place + 1] for place in range(len(sent))]) == whole
    # The last bytes of a head, and what is behind it, come apart.
    assert answered([sent[:-1], sent[-1:]]) == whole
