"""The endpoints on a Unix socket: who may connect, what becomes of the file, who takes it over."""

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys

import pytest
from harness import REPO, Server, until, write_archive

from mms.frontend.http.unix_socket import UnixSocket

# Becomes the server, as one that a service manager starts with a socket.
ACTIVATED = '''
import os, sys
os.dup2({fd}, 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='http')
os.execv(sys.executable, [sys.executable, '-m', 'mms', *sys.argv[1:]])
'''


@pytest.fixture(scope='module')
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp('unix'), 'm')


@pytest.fixture
def path(tmp_path):
    return tmp_path / 's'


def start(folder, archive, path, *words, port=None):
    server = Server(folder, ['--models', f'm={archive}', '--workers', '1', '--uds', str(path),
                             *words], port=port)
    until(lambda: 'Serving ' in server.stdout or server.process.poll() is not None, 120)
    return server


def curl(path, *words):
    found = subprocess.run(['curl', '-sS', '-m', '30', '--unix-socket', str(path), *words],
                           capture_output=True, text=True, timeout=60)
    return found.stdout or found.stderr


def predict(path, value):
    return curl(path, '-F', f'data={value}', 'http://localhost/m/predict')


def test_it_answers_on_the_socket_alone_and_the_line_that_it_prints_asks_it(archive, path,
                                                                            tmp_path):
    server = start(tmp_path / 'a', archive, path, '--host', '127.0.0.1')
    try:
        assert f'Serving 1 model at unix:{path}' in server.stdout
        line = next(line for line in server.stdout.splitlines() if '--unix-socket' in line)
        asked = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=60)
        assert 'prediction' in asked.stdout
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
        assert '"prediction":[[7]]' in predict(path, '[7]')
        assert '"localhost"' in curl(path, 'http://localhost/api-description')
        assert 'healthy' in curl(path, '-H', 'X-Forwarded-For: 192.0.2.9',
                                 'http://localhost/ping')
        until(lambda: 'client=192.0.2.9' in server.log)
        assert 'client=unix' in server.log
        assert f'unix:{path}:/ping' in server.log
        assert '--host has no effect without --port' in server.log
        # One in use stays.
        other = start(tmp_path / 'b', archive, path)
        assert (other.wait(), other.stderr.count('\n')) == (1, 1)
        assert f'--uds {path} is already in use' in other.stderr
        assert '"prediction":[[8]]' in predict(path, '[8]')
        # What a server leaves that was killed is replaced.
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        assert path.is_socket()
        server = start(tmp_path / 'c', archive, path)
        assert '"prediction":[[9]]' in predict(path, '[9]')
    finally:
        server.stop()
    assert not path.exists()


def test_with_a_port_it_answers_on_both_and_another_takes_over(archive, path, tmp_path):
    first = start(tmp_path / 'a', archive, path, '--reuse-port', port='0')
    second = None
    try:
        assert f'Also at unix:{path}' in first.stdout
        assert until(lambda: f'Service health endpoint: unix:{path}:/ping' in first.log)
        assert 'Service health endpoint: 127.0.0.1:' in first.log
        url = next(word for word in first.stdout.split() if word.startswith('http://'))
        assert 'healthy' in curl(path, 'http://localhost/ping')
        assert 'healthy' in subprocess.run(['curl', '-sS', f'{url}/ping'], capture_output=True,
                                           text=True, timeout=60).stdout
        kept = socket.socket(socket.AF_UNIX)
        kept.connect(str(path))
        second = start(tmp_path / 'b', archive, path, '--reuse-port')
        assert '"prediction":[[1]]' in predict(path, '[1]')
        assert 'POST /m/predict 200' in second.log
        kept.sendall(b'GET /ping HTTP/1.1\r\nHost: x\r\n\r\n')
        assert kept.recv(1000).startswith(b'HTTP/1.1 200')
        kept.close()
        first.stop()
        assert path.is_socket()
        assert '"prediction":[[2]]' in predict(path, '[2]')
    finally:
        first.stop()
        if second:
            second.stop()
    assert not path.exists()


@pytest.mark.parametrize(('make', 'told'), [
    (lambda path: path.write_text('precious'), 'is there already, and is no socket'),
    (lambda path: path.mkdir(), 'is there already, and is no socket'),
    (lambda path: path.symlink_to('/dev/null'), 'is there already, and is no socket'),
])
def test_what_is_no_socket_stays(archive, path, tmp_path, make, told):
    make(path)
    found = run(tmp_path, archive, path)
    assert (found.returncode, found.stderr.count('\n')) == (1, 1)
    assert told in found.stderr
    assert path.is_symlink() or path.exists()


@pytest.mark.parametrize(('path', 'told'), [
    ('x' * 120, 'is longer than the 107 bytes'), ('nowhere/s', 'there is no such folder'),
])
def test_a_path_that_cannot_be_is_told_in_one_line(archive, tmp_path, path, told):
    found = run(tmp_path, archive, path)
    assert (found.returncode, found.stderr.count('\n')) == (1, 1)
    assert told in found.stderr


def run(folder, archive, path):
    return subprocess.run(
        [sys.executable, '-m', 'mms', '--models', f'm={archive}', '--uds', str(path)], cwd=folder,
        capture_output=True, text=True, timeout=60, env={**os.environ, 'PYTHONPATH': str(REPO)})


def test_a_unix_socket_that_a_service_manager_has_bound_is_answered_on_and_stays(archive, path,
                                                                                 tmp_path):
    with socket.socket(socket.AF_UNIX) as passed:
        passed.bind(str(path))
        passed.listen()
        fd = passed.fileno()
        server = Server(
            tmp_path / 'a', ['--models', f'm={archive}', '--workers', '1'], port=None,
            pass_fds=[fd], command=(sys.executable, '-c', ACTIVATED.format(fd=fd)))
        until(lambda: 'Serving ' in server.stdout or server.process.poll() is not None, 120)
        assert f'unix:{path}' in server.stdout
        assert 'healthy' in curl(path, 'http://localhost/ping')
        server.stop()
        assert path.is_socket()


def test_who_holds_the_folder_holds_up_no_server(path):
    holder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        place = UnixSocket(str(path), '--uds', takes_over=False)
        with place.listen(1):
            assert stat.S_ISSOCK(os.stat(path).st_mode)
            place.remove()
        assert not path.exists()
    finally:
        os.close(holder)
