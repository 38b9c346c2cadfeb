"""Servers of archives that send what they should not: bounded time and memory, one line each."""

import contextlib
import gzip
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import pytest
import requests

from mms.archive.fetch import fetch
from mms.archive.limits import DownloadLimits
from mms.archive.location import Location
from mms.archive.sources import pace, web
from mms.errors import ArchiveError, FetchError

REPO = Path(__file__).parents[3]
OK = b'HTTP/1.1 200 OK\r\n'


@pytest.fixture
def answering(monkeypatch):
    """Serves each connection by a generator of pieces; gives the URL."""
    monkeypatch.setattr('mms.archive.sources.download.BACK_OFF_S', (0.0, 0.0, 0.0))
    for name in ('http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy',
                 'ALL_PROXY'):
        monkeypatch.delenv(name, raising=False)
    listener = socket.create_server(('127.0.0.1', 0))
    stop = threading.Event()

    def talk(connection, pieces):
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for piece in pieces():
                if stop.is_set():
                    return
                connection.sendall(piece)

    def serve(pieces):
        def run():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=talk, args=(connection, pieces), daemon=True).start()
        threading.Thread(target=run, daemon=True).start()
        return f'http://127.0.0.1:{listener.getsockname()[1]}/net.model'

    yield serve
    stop.set()
    # Wakes who accepts.
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def refusal(url, into, limits):
    with pytest.raises((FetchError, ArchiveError)) as caught:
        fetch(Location.parse(url), into, limits=limits)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 2000
    assert not os.path.exists(into) or os.listdir(into) == []
    return message


def dripping(before, piece=b'x'):
    def pieces():
        yield before
        while True:
            time.sleep(0.02)
            yield piece
    return pieces


@pytest.mark.parametrize('before', [
    b'', b'HTTP/1.1 ', OK, OK + b'Content-Length: 100000000\r\n\r\n',
    OK + b'Transfer-Encoding: chunked\r\n\r\n',
    OK + b'Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0',
], ids=['nothing', 'status', 'headers', 'body', 'size of a chunk', 'gzip'])
def test_a_server_that_drips_is_left_after_the_whole_time(answering, into, before):
    message = refusal(answering(dripping(before, b'0')), into, DownloadLimits(seconds=0.6))
    assert 'the download has not ended after 0.6 seconds (--download-timeout)' in message


def test_a_server_that_brings_too_little_is_left(answering, into, monkeypatch):
    monkeypatch.setattr(pace, 'LEAST_EACH_S', 0.5)
    url = answering(dripping(OK + b'Content-Length: 100000000\r\n\r\n', b'x' * 100))
    assert 'the download comes too slowly: ' in refusal(url, into, DownloadLimits())


def test_a_body_without_end_is_left_when_it_is_too_large(answering, into):
    def endless():
        yield OK + b'Transfer-Encoding: chunked\r\n\r\n'
        yield from itertools.repeat(b'10000\r\n' + bytes(65536) + b'\r\n')
    message = refusal(answering(endless), into, DownloadLimits(10**6))
    assert 'is too large: 1000000 bytes are the most (--max-download-size)' in message


def test_a_body_that_says_it_is_too_large_is_not_read(answering, into):
    url = answering(lambda: [OK + b'Content-Length: 2000000\r\n\r\n'])
    assert 'is too large' in refusal(url, into, DownloadLimits(10**6))


def test_the_body_of_a_redirect_is_not_read(answering, into):
    sent = []

    def redirect():
        yield b'HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 67108864\r\n\r\n'
        for _ in range(1024):
            yield bytes(65536)
            sent.append(1)

    answers = iter([redirect, lambda: [OK + b'Content-Length: 1\r\n\r\nx']])
    path = fetch(Location.parse(answering(lambda: next(answers)())), into)
    assert Path(path).read_bytes() == b'x'
    assert len(sent) < 512, 'the sockets hold some of it'


def test_a_compressed_bomb_is_unpacked_a_piece_at_a_time(answering, into):
    deflated = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b''.join(deflated.compress(bytes(2**24)) for _ in range(40)) + deflated.flush()
    assert len(bomb) < 2**20
    url = answering(lambda: [OK + b'Content-Encoding: gzip\r\n\r\n' + bomb])
    script = ('import sys\n'
              'from mms.archive.fetch import fetch\n'
              'from mms.archive.limits import DownloadLimits\n'
              'from mms.archive.location import Location\n'
              'from mms.errors import FetchError\n'
              'try: fetch(Location.parse(sys.argv[1]), sys.argv[2], '
              'limits=DownloadLimits(600 * 2**20))\n'
              'except FetchError as error: print(error)\n'
              'status = open("/proc/self/status").read()\n'
              'print(status.partition("VmHWM:")[2].split()[0])\n')
    done = subprocess.run([sys.executable, '-c', script, url, into], cwd=REPO, text=True,
                          capture_output=True, check=True)
    message, most_kb = done.stdout.splitlines()
    assert 'is too large: ' in message
    assert int(most_kb) < 150 * 1024
    assert os.listdir(into) == []


@pytest.mark.parametrize(('head', 'message'), [
    (b'Content-Encoding: br\r\n', "sends it in the encoding 'br', which it was not asked for"),
    (b'Content-Encoding: gzip\r\n', 'the body is no gzip'),
])
def test_an_encoding_that_cannot_be_decoded_is_told(answering, into, head, message):
    url = answering(lambda: [OK + head + b'\r\nno such thing'])
    assert message in refusal(url, into, DownloadLimits())


def test_a_gzip_that_was_cut_off_is_told(answering, into):
    body = gzip.compress(os.urandom(1000))[:-20]
    url = answering(lambda: [OK + b'Content-Encoding: gzip\r\n\r\n' + body])
    assert 'is no whole gzip' in refusal(url, into, DownloadLimits())


@pytest.mark.parametrize('answer', [
    b'\x16\x03\x01', b'garbage\r\n\r\n', b'HTTP/9.9 abc\r\n\r\n',
    OK + b'a: b\r\n' * 5000,
    OK + b'Content-Length: -5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', OK + b'x' * 100_000,
    OK + b'Content-Length: 5, 6\r\n\r\nabc',
    b'HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n',
    b'HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/x\r\n\r\n',
    b'HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n',
    b'HTTP/1.1 302 Found\r\nLocation: \x01\xff\r\n\r\n',
    b'HTTP/1.1 302 Found\r\nLocation: data:text/plain,x\r\n\r\n',
    b'HTTP/1.1 500 a\x1b[31mb\r\n\r\n', b'HTTP/1.1 418 ' + b'x' * 5000 + b'\r\n\r\n',
], ids=range(14))
def test_an_answer_that_makes_no_sense_is_one_line(answering, into, answer):
    refusal(answering(lambda: [answer]), into, DownloadLimits(seconds=20))


@pytest.mark.parametrize('url', [
    'ftp://127.0.0.1/x', 'gopher://127.0.0.1/x', 'data://x', 'jar://x', 'file://elsewhere/x',
    '\\\\host\\share', 'http://[::1', 'http://[::1]:99999/x', 'http://', 'http://.', 'http://a..b/x',
    'http://%00/x', 'http://a\nb/x', 'http://127.0.0.1:1\r\nHost: evil/x', 'http://user:pw@',
    'http://0x7f.1:1/x', 'http://' + 'a' * 10**6, 'http://127.0.0.1:1/' + 'a' * 10**6,
    's3://', 's3://x', 's3:///x', 'http://\ud800/x', 'http://127.0.0.1:1/\ud800',
    'http://ä\u202e/x'], ids=range(24))
def test_a_strange_url_is_one_line(into, url, monkeypatch):
    monkeypatch.setattr('mms.archive.sources.download.BACK_OFF_S', (0.0, 0.0, 0.0))
    with pytest.raises(FetchError if '://' in url else ArchiveError):
        fetch(Location.parse(url), into, limits=DownloadLimits(seconds=20))
    assert os.listdir(into) == []


def answer(*urls):
    made = [requests.Response() for _ in urls]
    for one, url in zip(made, urls):
        one.url = url
    made[-1].history = made[:-1]
    return made[-1]


def test_a_way_from_https_to_http_is_refused():
    with pytest.raises(FetchError, match='it is redirected from https to http'):
        web._check_way(answer('http://a', 'https://b', 'HTTP://c'), 'http://a')
    web._check_way(answer('http://a', 'http://b', 'https://c', 'https://d'), 'http://a')


def test_nothing_of_a_download_stays_open(answering, into):
    before = len(os.listdir('/proc/self/fd'))
    url = answering(lambda: [OK + b'Content-Length: 3\r\n\r\nabc'])
    for _ in range(5):
        os.unlink(fetch(Location.parse(url), into))
    assert len(os.listdir('/proc/self/fd')) <= before + 1
    assert not [one for one in threading.enumerate() if one.name == 'download']


# ---- signatures from the web


def test_the_signature_is_fetched_from_beside_the_path(answering, into):
    asked = []
    listener = socket.create_server(('127.0.0.1', 0))

    def serve():
        connection, _ = listener.accept()
        with connection:
            asked.append(connection.recv(65536).split()[1])
            connection.sendall(OK + b'Content-Length: 2\r\n\r\n{}')
    thread = threading.Thread(target=serve)
    thread.start()
    url = f'http://127.0.0.1:{listener.getsockname()[1]}/a.model?key=x/y'
    fetch(Location.parse(url).beside('.sig'), into)
    thread.join()
    listener.close()
    assert asked == [b'/a.model.sig?key=x/y']
