"""A terminal, or a collector of logs, that is not read stops no request."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import requests
from harness import REPO, until, write_archive

# Each line of the log is longer than its path, which is in it.
LONG = 'x' * 2000
# Lines enough for a pipe (64 KB) and all that waits behind it (1 MB).
MANY = 800


@contextmanager
def serving(folder, output):
    """A server whose standard error is a descriptor, which is closed here, and its address."""
    archive = write_archive(folder, 'm')
    server = subprocess.Popen(
        [sys.executable, '-m', 'mms', '--models', f'm={archive}', '--port', '0'], cwd=folder,
        env={**os.environ, 'PYTHONPATH': str(REPO), 'TMPDIR': str(folder)},
        stdout=subprocess.PIPE, stderr=output, start_new_session=True)
    os.close(output)
    try:
        line = next(line for line in server.stdout if b'http://' in line).decode()
        yield server, re.search(r'http://\S+', line)[0].rstrip('/')
    finally:
        if server.poll() is None:
            server.kill()
        server.wait()
        server.stdout.close()


def ask(url, count):
    with requests.Session() as session:
        for _ in range(count):
            assert session.get(f'{url}/{LONG}', timeout=20).status_code == 404
        assert session.get(f'{url}/ping', timeout=20).status_code == 200


def test_requests_are_answered_while_a_terminal_is_not_read(tmp_path):
    terminal, end = pty.openpty()
    reading = threading.Thread(target=read_until, args=(terminal, b'started success'))
    reading.start()
    with serving(tmp_path, end) as (server, url):
        reading.join(20)
        ask(url, MANY // 4)
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
    os.close(terminal)


def read_until(descriptor, words):
    text = b''
    while words not in text:
        text += os.read(descriptor, 65536)


def test_requests_are_answered_while_nobody_reads_what_is_printed(tmp_path):
    reading, writing = os.pipe()
    with serving(tmp_path, writing) as (server, url), os.fdopen(reading, 'rb') as printed:
        ask(url, MANY)
        until(lambda: (tmp_path / 'mms_app.log').read_text().count(f'GET /{LONG} 404') == MANY)
        os.set_blocking(printed.fileno(), False)
        text = bytearray()

        def told():
            text.extend(printed.read() or b'')
            return b'lines are left out here: nobody read them' in text

        until(told)
        assert 200 < text.count(b' 404 ') < MANY
        ask(url, 0)
        until(lambda: told() and b'GET /ping 200' in text.rpartition(b'left out')[2])
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
        assert b'Service stopped' in text + (printed.read() or b'')
