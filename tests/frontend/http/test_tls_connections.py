"""Connections under TLS: what the server does on them, it does as on plain ones."""

import logging
import socket
import ssl
import struct
import time
from contextlib import suppress

import gevent
import pytest
from certificates import Authority
from gevent import socket as gsocket
from gevent.ssl import SSLContext
from harness import until

from mms.frontend.http.binding import bind
from mms.frontend.http.open_connections import Use
from mms.frontend.http.server import HTTPServer
from mms.frontend.http.tls import TLS
from mms.frontend.http.tls_files import File, TLSFiles
from mms.frontend.http.tls_socket import TLSSocket

LARGE = 3 * 2**20
PING = b'GET /ping HTTP/1.1\r\nHost: a\r\n\r\n'
LAST = b'GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'


def app(environ, start_response):
    body = environ['wsgi.input'].read() if environ['REQUEST_METHOD'] == 'POST' else b''
    if environ['PATH_INFO'] == '/large':
        body = bytes(LARGE)
    elif environ['PATH_INFO'] == '/left':
        body = str(_waits_until_left(environ['mms.client_left'])).encode()
        environ['seen'].append(body)
    elif not body:
        body = environ['wsgi.url_scheme'].encode()
    start_response('200 OK', [('Content-Length', str(len(body)))])
    return [body]


def _waits_until_left(client_left):
    end = time.monotonic() + 20
    while not client_left() and time.monotonic() < end:
        gevent.sleep(0.02)
    return client_left()


@pytest.fixture(scope='module')
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp('authority'))


@pytest.fixture(scope='module')
def files(authority):
    return authority.sign()


class Serving(HTTPServer):
    """Keeps the connections that it has accepted."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.accepted, self.environ['seen'] = [], []

    def handle(self, sock, address):
        self.accepted.append(sock)
        super().handle(sock, address)


@pytest.fixture
def make(files):
    servers = []

    def make(client_ca=None):
        tls = TLS(TLSFiles(File('--tls-cert', files.cert), File('--tls-key', files.key),
                           client_ca and File('--tls-client-ca', client_ca)))
        server = Serving(bind('127.0.0.1', 0), app, tls=tls)
        server.listen()
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.end()


@pytest.fixture
def server(make):
    return make()


@pytest.fixture
def context(authority):
    made = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(authority.path)
    made.set_alpn_protocols(['h2', 'http/1.1'])
    return made


@pytest.fixture
def connect(server, context):
    """A connection under TLS."""
    opened = []

    def connect(to=server):
        plain = gsocket.create_connection(to.socket.getsockname())
        plain.settimeout(20)
        opened.append(context.wrap_socket(plain, server_hostname='localhost'))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


def plain(server):
    sock = gsocket.create_connection(server.socket.getsockname())
    sock.settimeout(20)
    return sock


def read_all(sock):
    data = b''
    while True:
        piece = sock.recv(65536)
        if not piece:
            return data
        data += piece


def answer(sock):
    """The body of an answer on a connection that stays open."""
    data = b''
    while b'\r\n\r\n' not in data:
        data += sock.recv(65536)
    head, _, body = data.partition(b'\r\n\r\n')
    length = int(head.lower().partition(b'content-length: ')[2].split(b'\r\n')[0])
    while len(body) < length:
        body += sock.recv(65536)
    return body


def test_one_request_after_the_other_is_answered_without_delay(server, connect):
    client = connect()
    for _ in range(3):
        client.sendall(PING)
        assert answer(client) == b'https'
    assert client.selected_alpn_protocol() == 'http/1.1'
    assert client.version() == 'TLSv1.3'
    assert client.compression() is None
    [connection] = server.connections._uses
    assert connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_requests_that_come_at_once_have_their_answers_in_turn(connect):
    client = connect()
    client.sendall(PING * 20 + LAST)
    assert read_all(client).count(b'https') == 21


def test_the_client_is_told_of_the_end(server, connect):
    """A cut would raise: who trusts the end of a connection has the whole answer."""
    client = connect()
    client.suppress_ragged_eofs = False
    client.sendall(LAST)
    assert read_all(client).endswith(b'https')
    idle = connect()
    idle.suppress_ragged_eofs = False
    idle.sendall(PING)
    assert answer(idle) == b'https'
    server.end()
    assert idle.recv(10) == b''


def test_what_is_no_request_is_refused_and_the_end_told(connect):
    client = connect()
    client.suppress_ragged_eofs = False
    client.sendall(b'rubbish\r\n\r\n' + bytes(100_000))
    assert read_all(client).startswith(b'HTTP/1.1 400 BAD REQUEST')


def test_large_answers_go_to_slow_readers_while_others_are_answered(connect):
    slow, quick = connect(), connect()
    slow.sendall(b'GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    gevent.sleep(0.1)
    for _ in range(5):
        quick.sendall(PING)
        assert answer(quick) == b'https'
    assert read_all(slow).endswith(bytes(LARGE))


def test_large_bodies_arrive_whole(connect):
    client, body = connect(), bytes(range(256)) * 8192
    client.sendall(b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
    assert answer(client) == body


def test_a_client_that_asks_whether_to_send_is_told(connect):
    client = connect()
    client.sendall(b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n'
                   b'Expect: 100-continue\r\n\r\n')
    assert client.recv(100).startswith(b'HTTP/1.1 100 Continue')
    client.sendall(b'hi')
    assert answer(client) == b'hi'


@pytest.mark.parametrize('says_goodbye', [True, False])
def test_a_client_that_sends_no_more_gets_its_answer(connect, says_goodbye):
    client = connect()
    client.sendall(PING)
    if says_goodbye:
        client.setblocking(False)
        with pytest.raises(ssl.SSLWantReadError):
            client.unwrap()
        client.settimeout(20)
    else:
        client._sock.shutdown(socket.SHUT_WR)
    assert answer(client) == b'https'


def test_that_a_client_has_left_is_seen_while_it_waits(server, connect):
    client = connect()
    client.sendall(b'GET /left HTTP/1.1\r\nHost: a\r\n\r\n')
    until(lambda: gevent.sleep(0.01) or server.connections.busy)
    client.close()
    until(lambda: gevent.sleep(0.01) or server.environ['seen'])
    assert server.environ['seen'] == [b'True']


def test_who_speaks_plain_http_is_told_what_the_port_speaks(server, caplog):
    with caplog.at_level(logging.INFO):
        client = plain(server)
        client.sendall(b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nnine byte')
        told = read_all(client)
    assert told.startswith(b'HTTP/1.1 400 BAD REQUEST')
    assert b'This port speaks TLS: ask it with https://' in told
    assert [record.levelname for record in caplog.records] == ['INFO']
    assert 'it speaks plain HTTP' in caplog.text


@pytest.mark.parametrize('rubbish', [
    b'\x16\x03\x01\x00\x05hello-hello', b'\x80\x2e\x01\x00\x02', b'\x00' * 300,
    b'\x16\x03\x01\xff\xff' + bytes(100), b'\xff' * 100_000])
def test_rubbish_is_one_line_and_no_error(server, caplog, rubbish):
    with caplog.at_level(logging.DEBUG):
        client = plain(server)
        client.sendall(rubbish)
        client.shutdown(socket.SHUT_WR)
        assert b'HTTP' not in read_all(client)
        until(lambda: gevent.sleep(0.01) or not len(server.connections))
    assert [record.levelname for record in caplog.records] in ([], ['INFO'])


@pytest.mark.parametrize('abruptly', [True, False])
@pytest.mark.parametrize('said', [b'', b'\x16\x03\x01'])
def test_who_only_looks_or_leaves_in_the_middle_is_no_line(server, caplog, abruptly, said):
    with caplog.at_level(logging.INFO):
        client = plain(server)
        client.sendall(said)
        gevent.sleep(0.05)
        if abruptly:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        client.close()
        until(lambda: gevent.sleep(0.01) or (server.accepted and not len(server.connections)))
    assert caplog.records == []


@pytest.mark.parametrize('version', [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings('ignore:ssl.TLSVersion:DeprecationWarning')
def test_old_versions_are_refused(server, context, version, caplog):
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = version
    context.set_ciphers('ALL:@SECLEVEL=0')
    with caplog.at_level(logging.INFO), pytest.raises(ssl.SSLError, match='(?i)alert protocol'):
        context.wrap_socket(plain(server), server_hostname='localhost')
    assert 'No TLS handshake with 127.0.0.1: unsupported protocol' in caplog.text


def test_tls_1_2_has_modern_ciphers_alone(connect, context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    cipher, version, bits = connect().cipher()
    assert (version, bits) >= ('TLSv1.2', 128)
    assert cipher.startswith('ECDHE-')
    context.set_ciphers('AES256-SHA:ECDHE-ECDSA-AES256-SHA:AES128-GCM-SHA256')
    with pytest.raises(ssl.SSLError, match='(?i)handshake failure'):
        connect()


def test_a_handshake_that_is_never_done_ends_and_holds_up_nobody(server, connect, caplog,
                                                                 monkeypatch):
    monkeypatch.setattr('mms.frontend.http.tls_handshake._HANDSHAKE_S', 1.0)
    silent = [plain(server) for _ in range(50)]
    begun = [plain(server) for _ in range(50)]
    with caplog.at_level(logging.INFO):
        for one in begun:
            one.sendall(b'\x16\x03\x01\x02\x00\x01')
        client = connect()
        client.sendall(PING)
        assert answer(client) == b'https'
        assert [one.recv(10) for one in silent + begun] == [b''] * 100
    assert {record.getMessage() for record in caplog.records} == {
        'No TLS handshake with 127.0.0.1: it took too long'}
    assert len(caplog.records) <= 12
    assert server.refusals.counts()['tls_handshake'] == 100
    client.sendall(PING)
    assert answer(client) == b'https'


def test_a_handshake_that_has_come_to_its_end_gives_no_way(server, authority):
    # Of the standard library, so that the last message leaves when the test wants it to.
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.create_default_context(cafile=authority.path)
    client = trusting.wrap_bio(incoming, outgoing, server_hostname='localhost')
    raw = plain(server)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    raw.sendall(outgoing.read())
    while True:
        incoming.write(raw.recv(65536))
        try:
            client.do_handshake()
            break
        except ssl.SSLWantReadError:
            pass
    [served] = server.connections.oldest(Use.READING, time.monotonic(), 9)
    client.write(LAST)
    raw.sendall(outgoing.read())
    # The server has had no turn since.
    assert not served.give_way()
    until(lambda: gevent.sleep(0.01) or served not in server.connections)
    # It was to give way before, and that comes late.
    served._end_unless_over()
    data = b''
    while b'https' not in data:
        incoming.write(raw.recv(65536))
        with suppress(ssl.SSLWantReadError):
            for piece in iter(client.read, b''):
                data += piece
    assert data.startswith(b'HTTP/1.1 200')


def test_a_handshake_in_records_of_a_byte_each_leaves_others_their_turns(server, monkeypatch):
    turns = []
    go_on = TLSSocket.do_handshake
    monkeypatch.setattr(TLSSocket, 'do_handshake', lambda sock: turns.append(0) or go_on(sock))
    hello = b'\x01\x01\xff\x00\x03\x03' + bytes(130_000)
    client = plain(server)
    client.sendall(b''.join(b'\x16\x03\x01\x00\x01' + bytes([byte]) for byte in hello))
    client.recv(10)
    assert len(turns) > 10


@pytest.mark.parametrize('asks_before', [True, False])
def test_a_record_that_comes_byte_by_byte_is_waited_for_no_longer_than_a_request(
        server, connect, monkeypatch, asks_before):
    monkeypatch.setattr('mms.frontend.http.connection._IDLE_S', 0.5)
    client = connect()
    if asks_before:
        client.sendall(PING)
        assert answer(client) == b'https'
    below = client._sock
    below.send(b'\x17\x03\x03\x40\x00')

    def is_closed():
        try:
            below.send(b'a')
        except OSError:
            return True
        gevent.sleep(0.05)
        return False

    until(is_closed)


def test_a_drain_waits_for_the_request_of_a_handshake_that_goes_on(server, context, monkeypatch):
    monkeypatch.setattr('mms.frontend.http.open_connections._ASKS_WITHIN_S', 20)
    sock = plain(server)
    client = context.wrap_socket(sock, server_hostname='localhost', do_handshake_on_connect=False)
    until(lambda: gevent.sleep(0.01) or len(server.connections))
    draining = gevent.spawn(server.drain, 30, gevent.event.Event())
    gevent.sleep(0.1)
    client.do_handshake()
    client.sendall(PING)
    assert b'Connection: close' in read_all(client)
    assert draining.get() is True


def test_clients_show_the_certificate_that_is_asked_for(make, authority, connect, context, caplog):
    server = make(client_ca=authority.path)
    stranger = Authority(authority.folder, 'stranger')
    with caplog.at_level(logging.INFO):
        client = connect(server)
        with pytest.raises(ssl.SSLError, match='(?i)certificate required'):
            client.sendall(PING) or client.recv(10)
        context.load_cert_chain(*stranger.sign('of-a-stranger'))
        client = connect(server)
        with pytest.raises(ssl.SSLError, match='(?i)unknown ca'):
            client.sendall(PING) or client.recv(10)
        context.load_cert_chain(*authority.sign('expired', days=(-9, -1)))
        client = connect(server)
        with pytest.raises(ssl.SSLError, match='(?i)certificate expired'):
            client.sendall(PING) or client.recv(10)
    assert [record.getMessage().rpartition(': ')[2] for record in caplog.records] == [
        'peer did not return a certificate', 'unable to get local issuer certificate',
        'certificate has expired']
    context.load_cert_chain(*authority.sign('client'))
    client = connect(server)
    client.sendall(PING)
    assert answer(client) == b'https'
