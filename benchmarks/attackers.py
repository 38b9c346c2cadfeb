"""Clients that mean no good: each runs in a process of its own until it is ended."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Optional

from contenders.contender import Endpoint

MEGABYTE = 10**6
TIMEOUT_S = 60
RECEIVE_BYTES = 1 << 20
PIECE_BYTES = 256 * 1024
# Before the next attempt of one that was refused.
PAUSE_S = 0.002
# Until the server has read what has come.
BEGUN_S = 0.5

Attack = Callable[[Endpoint], None]


@contextmanager
def attacking(attack: Attack, endpoint: Endpoint) -> Iterator[None]:
    """Run an attack beside what the block does."""
    process = multiprocessing.get_context('fork').Process(
        target=_again_and_again, args=(attack, endpoint), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def pipelined(path: str) -> Attack:
    """One connection that sends requests without waiting for answers."""
    def attack(endpoint: Endpoint) -> None:
        pour(endpoint, f'GET {path} HTTP/1.1\r\nHost: x\r\n\r\n'.encode() * 1000, b'')
    return attack


def tiny_chunks(endpoint: Endpoint) -> None:
    """A body in chunks of one byte."""
    pour(endpoint, b'1\r\nx\r\n' * 10_000, post_head(endpoint, None))


def endless_trailers(endpoint: Endpoint) -> None:
    """Trailer lines behind an empty body."""
    pour(endpoint, b'X-A: b\r\n' * 10_000, post_head(endpoint, None) + b'0\r\n')


def large_heads(endpoint: Endpoint) -> None:
    """50 connections at once, with heads of 6.3 MB."""
    head = f'POST {endpoint.predict_path} HTTP/1.1\r\nHost: x\r\n'.encode() + b''.join(
        b'X-%d: %s\r\n' % (number, b'a' * 65_000) for number in range(97)) + b'\r\n'
    side_by_side(50, lambda: send_whole(endpoint, head))


def uploads(count: int, megabytes: int) -> Attack:
    """So many bodies at once, in urlencoded forms that no input is in."""
    def attack(endpoint: Endpoint) -> None:
        size = megabytes * MEGABYTE
        head = (f'POST {endpoint.predict_path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n'
                'Content-Type: application/octet-stream\r\n\r\n').encode()
        body = bytes(size)
        side_by_side(count, lambda: send_whole(endpoint, head, body))
    return attack


def asked_for(what: str, megabytes: float, count: int = 1) -> Attack:
    """Requests whose answer, output or log record is large."""
    def attack(endpoint: Endpoint) -> None:
        side_by_side(count, lambda: _ask(endpoint, [what, megabytes]))
    return attack


def fresh_connections(endpoint: Endpoint) -> None:
    """Connections that are opened, 200 at once, and say nothing."""
    socks = []
    for _ in range(200):
        with suppress(OSError):
            socks.append(connect(endpoint))
    for sock in socks:
        sock.close()


def dying_clients(endpoint: Endpoint) -> None:
    """1,500 connections in the middle of a body, which end at the same moment."""
    head = f'POST {endpoint.predict_path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx'
    connections = _begun(endpoint, head.encode())
    for connection in connections:
        connection.close()


def requests_at_once(endpoint: Endpoint) -> None:
    """1,500 requests whose heads become whole at the same moment."""
    connections = _begun(endpoint, b'GET /nothing HTTP/1.1\r\nHost: x\r\n')
    for connection in connections:
        connection.sendall(b'\r\n')
    for connection in connections:
        connection.recv(RECEIVE_BYTES)
        connection.close()


def _begun(endpoint: Endpoint, data: bytes) -> list[socket.socket]:
    connections = []
    for _ in range(1500):
        connections.append(connect(endpoint))
        connections[-1].sendall(data)
    time.sleep(BEGUN_S)
    return connections


def _again_and_again(attack: Attack, endpoint: Endpoint) -> None:
    while True:
        with suppress(OSError, http.client.HTTPException):
            attack(endpoint)
        time.sleep(PAUSE_S)


def post_head(endpoint: Endpoint, length: Optional[int],
              kind: str = 'application/x-www-form-urlencoded') -> bytes:
    """Head of a request to the model, whose body is in chunks where it has no length."""
    body = 'Transfer-Encoding: chunked' if length is None else f'Content-Length: {length}'
    return (f'POST {endpoint.predict_path} HTTP/1.1\r\nHost: x\r\n'
            f'Content-Type: {kind}\r\n{body}\r\n\r\n').encode()


def connect(endpoint: Endpoint) -> socket.socket:
    """A connection."""
    return socket.create_connection(('127.0.0.1', endpoint.port), TIMEOUT_S)


def pour(endpoint: Endpoint, piece: bytes, first: bytes) -> None:
    """Send `piece` for ever, and read what comes, until the server closes the connection."""
    with connect(endpoint) as sock, selectors.DefaultSelector() as ready:
        sock.sendall(first)
        sock.setblocking(False)
        ready.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        rest = memoryview(piece)
        while True:
            for _, events in ready.select(TIMEOUT_S):
                if events & selectors.EVENT_READ and not sock.recv(RECEIVE_BYTES):
                    return
                if events & selectors.EVENT_WRITE:
                    rest = rest[sock.send(rest):] or memoryview(piece)


def send_whole(endpoint: Endpoint, head: bytes, body: bytes = b'') -> None:
    """Send a request, and wait for its answer."""
    with suppress(OSError), connect(endpoint) as sock:
        sock.sendall(head)
        for start in range(0, len(body), PIECE_BYTES):
            sock.sendall(memoryview(body)[start:start + PIECE_BYTES])
        sock.recv(RECEIVE_BYTES)


def _ask(endpoint: Endpoint, words: list[object]) -> None:
    connection = http.client.HTTPConnection('127.0.0.1', endpoint.port, timeout=TIMEOUT_S)
    with suppress(OSError, http.client.HTTPException):
        connection.request('POST', endpoint.predict_path, f'data={json.dumps(words)}',
                           {'Content-Type': 'application/x-www-form-urlencoded'})
        answer = connection.getresponse()
        while answer.read(RECEIVE_BYTES):
            pass
    connection.close()


def side_by_side(count: int, work: Callable[[], None]) -> None:
    """Do something in so many threads."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
