"""A management port that answers what it is told to, to test who speaks to one."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Asked(NamedTuple):
    """A request that came."""

    line: str
    headers: dict
    body: str


@contextlib.contextmanager
def answering(*answers):
    """A port that gives one ``(status, content)`` after the other, the last again and again.

    Content that is no bytes is sent as JSON. It has the ``url`` and the list ``asked``.
    """
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def answer(self):
            length = int(self.headers.get('Content-Length', 0))
            asked.append(Asked(self.requestline.rpartition(' ')[0], dict(self.headers),
                               self.rfile.read(length).decode()))
            status, content = answers[min(len(asked), len(answers)) - 1]
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header('Content-Length', str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.daemon_threads = True
    server.asked = asked
    server.url = f'http://127.0.0.1:{server.server_address[1]}'
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
