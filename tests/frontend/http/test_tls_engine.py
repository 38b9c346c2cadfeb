"""Whatever a client sends under TLS, OpenSSL gets a bounded piece of it at a time."""

import ssl
from functools import partial

import pytest

from mms.frontend.http.tls_engine import TLSEngine

AT_ONCE = 64 * 1024


class Sock:
    """A socket below gevent's, from which bytes come without end."""

    def __init__(self, incoming=None, room=10**9):
        self.incoming, self.room = incoming, room
        self.sent, self.taken = b'', 0

    def recv(self, size):
        if self.incoming is None:
            raise BlockingIOError
        self.taken += size
        return bytes(self.incoming(size))

    def send(self, data):
        if not self.room:
            raise BlockingIOError
        count = min(self.room, len(data))
        self.room -= count
        self.sent += data[:count]
        return count


class OpenSSL:
    """Takes what comes for anything but data; its cipher is none."""

    def __init__(self, incoming, outgoing):
        self.incoming, self.outgoing = incoming, outgoing

    def read(self, size):
        self.incoming.read()
        self.outgoing.write(b'no')
        raise ssl.SSLWantReadError

    def write(self, data):
        self.outgoing.write(data)


def test_a_handshake_in_records_of_a_byte_each_is_read_piece_by_piece():
    hello = b'\x01\x01\xff\x00\x03\x03' + bytes(130_000)
    records = iter(b''.join(b'\x16\x03\x01\x00\x01' + bytes([byte]) for byte in hello))
    sock = Sock(lambda size: [next(records) for _ in range(size)])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    engine = TLSEngine(sock, partial(context._wrap_bio, server_side=True))
    with pytest.raises(ssl.SSLWantReadError):
        engine.do_handshake()
    assert sock.taken < AT_ONCE


def test_what_is_no_data_is_read_piece_by_piece_and_its_answer_sent():
    sock = Sock(bytes)
    engine = TLSEngine(sock, OpenSSL)
    for turn in range(1, 4):
        with pytest.raises(ssl.SSLWantReadError):
            engine.read(10)
        assert 0 < sock.taken < turn * AT_ONCE
    assert sock.sent == b'no' * (len(sock.sent) // 2) != b''


def test_a_client_that_takes_no_answer_to_what_is_no_data_is_not_read_on():
    sock = Sock(bytes, room=0)
    engine = TLSEngine(sock, OpenSSL)
    for _ in range(3):
        with pytest.raises(ssl.SSLWantWriteError):
            engine.read(10)
    assert sock.taken == 0


def test_what_there_is_no_room_for_is_sent_later_and_once():
    sock, data = Sock(room=10_000), bytes(range(256)) * 100
    engine = TLSEngine(sock, OpenSSL)
    for _ in range(2):
        with pytest.raises(ssl.SSLWantWriteError):
            engine.write(data)
    with pytest.raises(ssl.SSLError, match='something else'):
        engine.write(b'HTTP/1.1 503')
    sock.room = 10**9
    count = engine.write(data)
    while count < len(data):
        count += engine.write(memoryview(data)[count:])
    assert sock.sent == data
