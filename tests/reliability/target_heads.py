"""Requests as bytes of a connection, read by our server and by a strict reader of RFC 9112."""

import io
import re
from functools import cache

from gevent import socket
from werkzeug.exceptions import HTTPException

from mms.errors import RequestError
from mms.frontend.http.binding import bind
from mms.frontend.http.body import read_body
from mms.frontend.http.server import HTTPServer

_TOKEN = rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
# RFC 9112, 3: single spaces, and nothing that ends a line, or that is blank to anybody.
_REQUEST_LINE = re.compile(rb'(%s) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([0-9])\r?\n' % _TOKEN)
_HEADER = re.compile(rb'(%s):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*\r?\n' % _TOKEN)
_CHUNK = re.compile(rb'([0-9A-Fa-f]{1,16})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n')
# What a server may answer to what is no request, or to one whose body is broken.
_REFUSALS = {400, 408, 413, 414, 429, 431, 503}
_MOST_BODY = 100_000


class NotStrict(Exception):
    """From here on two readers may see different requests."""


def strict_requests(data):
    """Method, target and body of each request, up to the first thing that is in doubt.

    Returns them, and whether all of `data` was requests.
    """
    found = []
    stream = io.BytesIO(data)
    while stream.tell() < len(data):
        try:
            request, stays = _strict_request(stream)
        except NotStrict:
            return found, False
        found.append(request)
        if not stays:
            break
    return found, True


def _strict_request(stream):
    line = _REQUEST_LINE.fullmatch(stream.readline())
    if not line:
        raise NotStrict
    headers = {}
    while (header := stream.readline()) not in (b'\r\n', b'\n'):
        parts = _HEADER.fullmatch(header)
        if not parts:
            raise NotStrict
        headers.setdefault(parts[1].lower(), []).append(parts[2])
    if len(headers.get(b'host', ())) > 1:
        raise NotStrict
    minor = int(line[3])
    codings = headers.get(b'transfer-encoding', [])
    lengths = set(headers.get(b'content-length', []))
    if codings:
        if lengths or minor != 1 or len(codings) > 1 or codings[0].lower() != b'chunked':
            raise NotStrict
        body = _strict_chunks(stream)
    elif lengths:
        [length, *others] = lengths
        if others or not re.fullmatch(rb'[0-9]{1,18}', length):
            raise NotStrict
        body = _exactly(stream, int(length))
    else:
        body = b''
    words = [word.strip().lower() for word in b','.join(headers.get(b'connection', [])).split(b',')]
    stays = minor == 1 and b'close' not in words
    return (line[1], line[2], body), stays


def _strict_chunks(stream):
    body = b''
    while True:
        size = _CHUNK.fullmatch(stream.readline())
        if not size:
            raise NotStrict
        if not int(size[1], 16):
            break
        body += _exactly(stream, int(size[1], 16))
        if stream.read(2) != b'\r\n':
            raise NotStrict
    while (trailer := stream.readline()) not in (b'\r\n', b'\n'):
        if not _HEADER.fullmatch(trailer):
            raise NotStrict
    return body


def _exactly(stream, size):
    data = stream.read(min(size, _MOST_BODY))
    if len(data) < size:
        raise NotStrict
    return data


_seen = []


def _application(environ, start_response):
    status, body = '200 OK', None
    try:
        body = bytes(read_body(environ, _MOST_BODY, _server().budget))
    except (RequestError, HTTPException) as error:
        status = f"{getattr(error, 'status', None) or error.code} NO"
    _seen.append((environ, body))
    start_response(status, [('Content-Length', '0')])
    return []


@cache
def _server():
    """One that never listens: connections are handed to it."""
    return HTTPServer(bind('127.0.0.1', 0), _application)


def served(data):
    """WSGI environment and body of each request that the application sees, and all answers."""
    here, there = socket.socketpair()
    _seen.clear()
    with here, there:
        # All that its client will ever send.
        there.sendall(data)
        there.shutdown(socket.SHUT_WR)
        _server().do_handle(here, ('127.0.0.1', 1))
        _server().pool.join()
        answers = b''
        while piece := there.recv(2**16):
            answers += piece
    return list(_seen), answers


def check_requests(data):
    """The application sees the requests of a strict reader, and none beyond what is in doubt."""
    strict, is_whole = strict_requests(data)
    seen, answers = served(data)
    whole = [(environ, body) for environ, body in seen if body is not None]
    for (method, target, body), (environ, got) in zip(strict, whole):
        assert environ['REQUEST_METHOD'].encode('latin-1') == method
        assert got == body, f'{got!r}, and not {body!r}'
        assert environ['QUERY_STRING'].encode('latin-1') == target.partition(b'?')[2]
    assert len(whole) <= len(strict), f'{whole[len(strict):]} is no request'
    # A body that is broken may show behind the head; nothing is read of what comes after it.
    assert len(seen) <= len(strict) + (not is_whole)
    for status in re.findall(rb'HTTP/1\.1 ([0-9]{3}) ', answers):
        assert int(status) == 200 or int(status) in _REFUSALS | {100}, answers
