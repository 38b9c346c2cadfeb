"""A port that speaks as a model server as far as it is told to, to test who asks one."""

import asyncio
import contextlib
import inspect
import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from mms.client import AsyncClient, Client
from mms.frontend.api.swagger import describe

ANSWERED = (200, {'prediction': ['fine']})


class Posted(NamedTuple):
    """A request for a prediction that came."""

    path: str
    headers: dict
    body: bytes

    @property
    def value(self):
        """What the only field of its form holds."""
        return self.body.split(b'\r\n')[3].decode()


def lost(handler, _):
    """End the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def half(handler, _):
    """End the connection within the answer."""
    handler.send_response(200)
    handler.send_header('Content-Length', '100')
    handler.end_headers()
    handler.wfile.write(b'{"predic')
    lost(handler, _)


def hanging(handler, _):
    """Answer nothing while the client waits."""
    handler.close_connection = True
    handler.server.is_over.wait(60)


def trickling(handler, _):
    """Answer byte by byte, without an end."""
    handler.close_connection = True
    handler.send_response(200)
    handler.send_header('Content-Length', '1000000')
    handler.end_headers()
    with contextlib.suppress(OSError):
        while not handler.server.is_over.wait(0.02):
            handler.wfile.write(b' ')


def no_http(handler, _):
    """Answer in another protocol."""
    handler.close_connection = True
    handler.wfile.write(b'220 mail.example ESMTP\r\n\r\n')


class Port(ThreadingHTTPServer):
    """Says nothing of clients that leave."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def predicting(signatures, *acts):
    """A port that answers one prediction after the other as `acts` say, the last again and again.

    An act is ``(status, content)``, with headers where they matter, or a function as those above.
    It has the ``url``, the list ``posted``, and the number of ``connections`` that came. Where it
    ``takes_nothing``, it reads no body.
    """
    class Handler(BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def setup(self):
            super().setup()
            self.server.connections += 1

        def do_GET(self):
            self.tell(200, {'description': describe(signatures, '127.0.0.1', 8080)})

        def do_POST(self):
            if self.server.takes_nothing:
                return hanging(self, None)
            body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
            asked = Posted(self.path, dict(self.headers), body)
            posted.append(asked)
            act = acts[min(len(posted), len(acts)) - 1]
            if callable(act):
                return act(self, asked)
            return self.tell(*act)

        def tell(self, status, content, headers=()):
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in dict(headers).items():
                self.send_header(name, value)
            self.send_header('Content-Length', str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *words):
            pass

    posted = []
    server = Port(('127.0.0.1', 0), Handler)
    server.daemon_threads = True
    server.posted, server.connections, server.is_over = posted, 0, threading.Event()
    server.takes_nothing = False
    server.url = f'http://127.0.0.1:{server.server_address[1]}'
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Awaited:
    """An :class:`AsyncClient` that is used as a :class:`Client`: each call runs its event loop."""

    def __init__(self, *words, **options):
        self._loop = asyncio.new_event_loop()
        self._client = AsyncClient(*words, **options)

    def __getattr__(self, name):
        method = getattr(self._client, name)

        def call(*words, **options):
            made = method(*words, **options)
            return self._loop.run_until_complete(made) if inspect.isawaitable(made) else self._all(
                made)

        return call

    def _all(self, made):
        try:
            while True:
                try:
                    yield self._loop.run_until_complete(made.__anext__())
                except StopAsyncIteration:
                    return
        finally:
            self._loop.run_until_complete(made.aclose())

    def close(self):
        self._loop.run_until_complete(self._client.close())
        self._loop.close()


CLIENTS = {'Client': Client, 'AsyncClient': Awaited}
