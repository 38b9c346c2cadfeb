"""Under TLS, whose bytes tell nothing, a connection knows that its client has left."""

import ssl
import subprocess
import sys

import gevent
import pytest
from gevent import socket
from gevent.event import Event
from gevent.ssl import SSLContext

from mms.frontend.http.binding import bind
from mms.frontend.http.server import HTTPServer

REQUEST = b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'


def context(protocol):
    """TLS without a certificate."""
    made = SSLContext(protocol)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers('aNULL@SECLEVEL=0')
    return made


class TLSServer(HTTPServer):
    def handle(self, sock, address):
        super().handle(context(ssl.PROTOCOL_TLS_SERVER).wrap_socket(sock, server_side=True),
                       address)


@pytest.fixture
def asked():
    """A client in the middle of its request, and what a server is told of it when it asks."""
    ask, answers = Event(), []

    def app(environ, start_response):
        ask.wait()
        answers.append(environ['mms.client_left']())
        start_response('200 OK', [('Content-Length', '0')])
        return [b'']

    server = TLSServer(bind('127.0.0.1', 0), app)
    server.listen()
    plain = socket.create_connection(server.socket.getsockname())
    client = context(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(plain)
    client.sendall(REQUEST)
    gevent.sleep(0.1)

    def left():
        ask.set()
        gevent.sleep(0.2)
        return answers[0]

    yield client, left
    client.close()
    server.end()


@pytest.mark.parametrize('more', [b'', REQUEST, b'GET / HT'])
def test_a_client_that_waits_is_there_whatever_it_has_sent_meanwhile(asked, more):
    client, left = asked
    client.sendall(more)
    gevent.sleep(1.2)
    assert left() is False
    assert client.recv(100).startswith(b'HTTP/1.1 200')


@pytest.mark.parametrize('more', [b'', REQUEST])
def test_a_client_that_has_closed_its_connection_has_left(asked, more):
    client, left = asked
    client.sendall(more)
    client.close()
    gevent.sleep(1.2)
    assert left() is True


def test_a_client_that_only_sends_no_more_is_there_for_a_while(asked):
    client, left = asked
    # The end of what it sends, to the kernel; the records of TLS go on in the other direction.
    client._sock.shutdown(socket.SHUT_WR)
    gevent.sleep(0.1)
    assert left() is False
    assert client.recv(100).startswith(b'HTTP/1.1 200')


def test_a_system_that_does_not_tell_who_sends_no_more_has_connections_too():
    subprocess.run([sys.executable, '-c', 'import select; del select.POLLRDHUP; '
                    'import mms.frontend.http.connection'], check=True, timeout=60)
