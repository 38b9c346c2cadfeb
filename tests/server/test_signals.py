"""What a server does at SIGTERM, SIGHUP and SIGUSR1, as supervisors and logrotate send them."""

import os
import pty
import signal
import socket
import sys
import threading
import time

import psutil
import pytest
import requests
from harness import SERVICE, TENSORS, until, write_archive

SLOW = '''
import time
time.sleep(data[0][0])
return data[0]
'''
LOADS_FOR_A_WHILE = SERVICE.format(body='        return data') + '''
import time
time.sleep(2)
'''
# Becomes the server, in a session with the terminal of this name.
WITH_TERMINAL = '''
import os, sys
os.open({name!r}, os.O_RDWR)
os.execv(sys.executable, [sys.executable, '-m', 'mms', *sys.argv[1:]])
'''

# Becomes the server of somebody who does not want to know how children end.
IGNORES_CHILDREN = '''
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, '-m', 'mms', *sys.argv[1:]])
'''
FAILS = 'import mxnet, subprocess\nreturn [subprocess.run(["false"]).returncode]'

# Becomes the server, and gets these signals while its own modules are imported.
EARLY = '''
import os, signal, sys


class Finder:
    def find_spec(self, name, path, target=None):
        if name == 'mms.mxnet_model_server':
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGUSR1)


sys.meta_path.insert(0, Finder())
from mms.__main__ import main
sys.exit(main())
'''


class Asking(threading.Thread):
    """One request on its way."""

    def __init__(self, server, seconds):
        super().__init__(daemon=True)
        self.answer, self._ask = None, lambda: server.post_text('slow', f'[{seconds}]')
        self.start()
        until(lambda: [connection for connection in psutil.Process(server.pid).net_connections()
                       if connection.status == psutil.CONN_ESTABLISHED])

    def run(self):
        self.answer = self._ask()

    def result(self):
        self.join(60)
        return self.answer


@pytest.fixture
def slow(tmp_path):
    return f"slow={write_archive(tmp_path, 'slow', SLOW)}"


def family(server):
    return {process.pid for process in psutil.Process(server.pid).children(recursive=True)}


def ping(server):
    return requests.get(f'{server.url}/ping', timeout=30)


@pytest.mark.measured
@pytest.mark.parametrize(('number', 'said'), [
    (signal.SIGHUP, 'what may change was read again (SIGHUP)'),
    (signal.SIGUSR1, 'The log file was opened again (SIGUSR1)')])
def test_a_signal_to_all_processes_opens_the_log_again_and_ends_none(serve, slow, number, said):
    server = serve('--models', slow)
    processes, request = family(server), Asking(server, 1.5)
    log = server.folder / 'mms_app.log'
    log.rename(server.folder / 'moved.log')
    for pid in (*processes, server.pid):
        os.kill(pid, number)
    until(lambda: said in server.log)
    assert server.post_text('slow', '[0]').status_code == 200
    assert request.result().json() == {'prediction': [1.5]}
    assert family(server) == processes
    # What came after it is in the new file alone.
    assert said not in (server.folder / 'moved.log').read_text()
    assert server.stop(signal.SIGTERM) == 0


def test_a_hang_up_while_models_load_waits_until_they_have(launch, tmp_path):
    archive = write_archive(tmp_path, 'm', source=LOADS_FOR_A_WHILE, signature=TENSORS)
    server = launch('--models', f'm={archive}')
    until(server.templates)
    for pid in (*family(server), server.pid):
        os.kill(pid, signal.SIGHUP)
    server.wait_until_up()
    until(lambda: 'what may change was read again (SIGHUP)' in server.log)
    assert server.post_text('m', '[1]').status_code == 200


def test_what_asks_for_files_to_be_read_again_ends_no_server_that_has_just_started(serve, slow):
    server = serve('--models', slow, command=(sys.executable, '-c', EARLY))
    until(lambda: 'what may change was read again (SIGHUP)' in server.log)
    assert 'The log file was opened again (SIGUSR1)' in server.log
    assert server.stop(signal.SIGTERM) == 0


def test_a_hang_up_ends_the_server_when_its_terminal_is_closed(serve, slow):
    ours, its = pty.openpty()
    server = serve('--models', slow, command=(sys.executable, '-c', WITH_TERMINAL.format(
        name=os.ttyname(its))))
    os.close(its)
    os.kill(server.pid, signal.SIGHUP)
    until(lambda: 'was read again (SIGHUP)' in server.log)
    request = Asking(server, 1)
    os.close(ours)
    assert server.wait() == 0
    assert request.result().json() == {'prediction': [1]}


def test_connections_are_taken_for_a_while_and_told_to_close(serve, slow):
    server = serve('--models', slow, '--drain-delay', '6.5')
    with requests.Session() as session:
        assert 'Connection' not in session.get(f'{server.url}/ping').headers
        server.process.send_signal(signal.SIGTERM)
        until(lambda: 'New connections are taken for 6.5 s more' in server.log)
        for answer in (session.get(f'{server.url}/ping'), ping(server),
                       server.post_text('slow', '[0]')):
            assert (answer.status_code, answer.headers['Connection']) == (200, 'close')
    assert server.wait() == 0


def test_a_second_signal_ends_the_delay_and_what_is_in_flight(serve, slow):
    server = serve('--models', slow, '--drain-delay', 100, '--shutdown-timeout', 200)
    request = Asking(server, 600)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: 'New connections are taken for 100 s more' in server.log)
    assert ping(server).status_code == 200
    began = time.monotonic()
    assert server.stop(signal.SIGINT) == 0
    assert time.monotonic() - began < 30
    assert request.result().status_code == 503


def test_a_request_that_takes_too_long_is_answered_before_the_end(serve, slow):
    server = serve('--models', slow, '--shutdown-timeout', 4)
    processes, request = family(server), Asking(server, 600)
    began = time.monotonic()
    assert server.stop(signal.SIGTERM) == 0
    # It sleeps for longer than the test waits.
    assert 2.5 < time.monotonic() - began < 20
    assert request.result().status_code == 503
    assert 'The server stops' in request.answer.json()['message']
    assert not [pid for pid in processes if psutil.pid_exists(pid)]


@pytest.mark.measured
@pytest.mark.parametrize('abstract', [False, True])
def test_a_service_manager_is_told_of_each_state(serve, tmp_path, abstract):
    name = f'\0{tmp_path}' if abstract else str(tmp_path / 'notify')
    body = 'import os\nreturn [name for name in os.environ if name == "NOTIFY_SOCKET"]'
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name)
        manager.settimeout(60)
        began = time.monotonic_ns() // 1000
        server = serve('--models', f"m={write_archive(tmp_path, 'm', body)}",
                       env={'NOTIFY_SOCKET': name.replace('\0', '@')})
        ready = f'READY=1\nSTATUS=Serving 1 model at {server.url}  (Ctrl-C stops)'.encode()
        assert manager.recv(1000) == ready
        assert server.post_text('m', '[1]').json() == {'prediction': []}
        server.process.send_signal(signal.SIGHUP)
        reloading, _, at = manager.recv(1000).partition(b'\n')
        assert (reloading, at[:15]) == (b'RELOADING=1', b'MONOTONIC_USEC=')
        assert began < int(at[15:]) <= time.monotonic_ns() // 1000
        assert manager.recv(1000) == ready
        assert server.stop(signal.SIGTERM) == 0
        assert manager.recv(1000).startswith(b'STOPPING=1\n')


def test_a_worker_that_does_not_end_is_killed_in_time(serve, tmp_path):
    source = SERVICE.format(body='        return data') + '''
import atexit
import time
atexit.register(time.sleep, 600)
'''
    archive = write_archive(tmp_path, 'm', source=source, signature=TENSORS)
    server = serve('--models', f'm={archive}', '--shutdown-timeout', 2)
    processes = family(server)
    assert server.stop(signal.SIGTERM) == 0
    assert 'Some workers have not ended by themselves; they are killed.' in server.log
    assert not [pid for pid in processes if psutil.pid_exists(pid)]


def test_a_server_whose_parent_ignores_its_children_heeds_its_own(serve, tmp_path):
    server = serve('--models', f'm={write_archive(tmp_path, "m", FAILS)}', '--workers', '1',
                   command=(sys.executable, '-c', IGNORES_CHILDREN))
    assert server.post_text('m', '[1]').json() == {'prediction': [1]}
    assert 'Traceback' not in server.log
