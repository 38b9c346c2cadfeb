"""One server after the other on the same port, while clients ask without a pause."""

import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from urllib.parse import urlencode

import pytest
import urllib3
from harness import write_archive

# The hundred is the long form of `make soak`.
RESTARTS = 100 if os.environ.get('MMS_SOAK') else 25
BODY = urlencode({'data': '[7]'}).encode()
FORM = {'Content-Type': 'application/x-www-form-urlencoded'}
# Which worker has answered.
WHO = 'import os\nreturn [data[0][0], os.getpid()]'


class Clients:
    """Threads that ask on connections of their own, kept or fresh, until they are stopped.

    They wait a moment between two requests: all runs on the cores that the servers start on.
    """

    def __init__(self, port, kept, fresh, slow):
        self.failures, self.answered, self.workers = [], 0, set()
        self._lock, self._stopping, self._port = threading.Lock(), threading.Event(), port
        self._threads = [threading.Thread(target=self._run, args=(ask, pause_s), daemon=True)
                         for number, ask, pause_s in ((kept, self._kept(), 0.15),
                                                      (fresh, self._fresh, 0.1),
                                                      (slow, self._kept(), 0.7))
                         for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)

    def _kept(self):
        pool = urllib3.HTTPConnectionPool('127.0.0.1', self._port, maxsize=100, timeout=30)

        def ask():
            answer = pool.request('POST', '/m/predict', body=BODY, headers=FORM, retries=False)
            return answer.status, answer.data

        return ask

    def _fresh(self):
        connection = http.client.HTTPConnection('127.0.0.1', self._port, timeout=30)
        try:
            connection.request('POST', '/m/predict', body=BODY, headers=FORM)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _run(self, ask, pause_s):
        while not self._stopping.wait(pause_s):
            try:
                status, body = ask()
                (seven, worker), = json.loads(body)['prediction'],
                wrong = '' if (status, seven) == (200, 7) else f'{status} {body}'
            except Exception as error:
                wrong, worker = f'{type(error).__name__}: {error}', None
            with self._lock:
                self.answered += 1
                self.workers.add(worker)
                if wrong:
                    self.failures.append(f'{time.strftime("%X")} {ask.__name__} {wrong}')


@pytest.mark.timeout(1200)
def test_one_server_after_the_other_takes_over_and_no_request_fails(launch, tmp_path):
    words = ('--models', f"m={write_archive(tmp_path, 'm', WHO)}", '--workers', 1, '--reuse-port')
    old = launch(*words).wait_until_up()
    clients, servers = Clients(old.port, kept=3, fresh=3, slow=3), [old]
    try:
        for _ in range(RESTARTS):
            new = launch(*words, port=str(old.port)).wait_until_up()
            old.process.send_signal(signal.SIGTERM)
            old = new
            servers.append(new)
        assert {server.wait() for server in servers[:-1]} == {0}
    finally:
        clients.stop()
    assert clients.failures == []
    # Each of them has answered.
    assert len(clients.workers) > RESTARTS
    assert clients.answered > 5 * RESTARTS


# Becomes the server, as one that a service manager starts with a socket.
ACTIVATED = '''
import os, sys
os.dup2({fd}, 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES={name!r})
os.execv(sys.executable, [sys.executable, '-m', 'mms', *sys.argv[1:]])
'''


def test_a_socket_that_was_passed_on_outlives_the_server_and_serves_the_next(launch, tmp_path):
    model = f"m={write_archive(tmp_path, 'm', WHO)}"
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port, fd = listener.getsockname()[1], listener.fileno()

        def start(name):
            return launch('--models', model, pass_fds=[fd], command=(
                sys.executable, '-c', ACTIVATED.format(fd=fd, name=name)))

        first = start('http').wait_until_up()
        assert first.port == port
        assert first.stop(signal.SIGTERM) == 0
        with socket.create_connection(('127.0.0.1', port)) as client:
            client.sendall(b'GET /ping HTTP/1.1\r\nHost: x\r\n\r\n')
            # The name of its unit, where nobody has given it one.
            start('mms.socket').wait_until_up()
            assert client.recv(100).startswith(b'HTTP/1.1 200')


def test_a_port_whose_socket_is_passed_on_needs_no_flag(launch, tmp_path):
    model = f"m={write_archive(tmp_path, 'm')}"
    with socket.create_server(('127.0.0.1', 0)) as listener:
        url = f'http://127.0.0.1:{listener.getsockname()[1]}/health/live'
        server = launch('--models', model, pass_fds=[listener.fileno()], command=(
            sys.executable, '-c', ACTIVATED.format(fd=listener.fileno(), name='management')))
        server.wait_until_up()
        assert server.url not in url
        assert urllib3.request('GET', url, timeout=30).status == 200
        assert server.stop(signal.SIGTERM) == 0


def test_a_port_is_shared_only_with_those_that_share_it(serve, launch, tmp_path):
    model = ('--models', f"m={write_archive(tmp_path, 'm')}")
    first = serve(*model)
    second = launch(*model, '--reuse-port', port=str(first.port))
    assert second.wait() == 1
    assert second.stderr == (
        f'mxnet-model-server: port {first.port} on 127.0.0.1 is already in use by what was started '
        'without --reuse-port, or by another user: stop it, or give another --port\n')
