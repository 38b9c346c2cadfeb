"""A run of requests of all kinds: nothing of them stays. `make soak` has a long one."""

import re
import socket
import subprocess
import sys
import threading
from collections import Counter

import pytest
import soak_clients
from effort import LONG
from harness import REPO
from soak import Still, grown, most_new, not_measured, too_many_new, too_much
from soak_clients import Picture, SoakClients
from soak_samples import FRONT, TEMPLATE, WORKER, ProcessSample, Samples, slope

REQUESTS = 200_000 if LONG else 2_000


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_nothing_stays_of_many_requests():
    done = subprocess.run(
        [sys.executable, REPO / 'benchmarks' / 'soak.py', '--requests', str(REQUESTS)],
        capture_output=True, text=True, timeout=7000, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(rf'{REQUESTS} requests in \d+ s, 0 answered otherwise than expected; '
                    r'[1-9]\d* workers killed, [1-9]\d* replacements', done.stdout)
    assert re.search(r'\| front \d+ \| .* MB \| [-+].* MB \|', done.stdout)
    assert 'zombies 0' in done.stdout


def samples(kind, memory, descriptors=10):
    return [ProcessSample(1000 * number, kind, 1, memory(1000 * number), descriptors, 3)
            for number in range(200)]


def test_the_slope_is_that_of_the_line_through_all_samples():
    assert slope(samples(FRONT, lambda sent: 50 + sent / 1000),
                 lambda one: one.memory_mb) == pytest.approx(0.001)
    assert slope(samples(FRONT, lambda sent: 50)[:2], lambda one: one.memory_mb) == 0


def test_what_grows_is_too_much_and_noise_is_not():
    [told] = too_much(samples(WORKER, lambda sent: 50 + sent / 10_000), 5.0)
    assert told == 'grows by 10.0 MB in 100,000 requests'
    assert too_much(samples(WORKER, lambda sent: 50 + sent % 3000 / 1000), 5.0) == []
    [told] = too_much(samples(WORKER, lambda sent: 50 + sent / 16_000)[110:], 5.0)
    assert told == 'grows by 6.2 MB in 100,000 requests'
    few = samples(WORKER, lambda sent: 50 + sent / 1000)[:4]
    assert too_much(few, 5.0) == []
    leaking = [*few[:-1], few[-1]._replace(descriptors=11)]
    assert too_much(leaking, 5.0) == ['has 11 descriptors, 10 before']


def test_what_the_front_has_more_of_is_told():
    assert grown(Still(40, 5, 8), Still(40, 6, 8)) == []
    assert grown(Still(40, 5, 8), Still(43, 15, 8)) == []
    assert len(grown(Still(40, 5, 8), Still(44, 16, 9))) == 3


def test_workers_that_die_all_the_time_are_told():
    seen = Samples(0)
    for requests, pids in ((0, (1, 2)), (1000, (2, 3)), (2000, (3, 4))):
        seen.all += [ProcessSample(requests, WORKER, pid, 50, 10, 3) for pid in pids]
    assert too_many_new(seen, most_new(Counter({'workers killed': 2}))) == []
    assert too_many_new(seen, most_new(Counter(replacements=1))) == []
    assert len(too_many_new(seen, most_new(Counter({'workers killed': 1})))) == 1
    assert not_measured({FRONT, TEMPLATE}, 2_000) == []
    assert not_measured({FRONT, TEMPLATE}, 200_000) == ['no worker was there for long']


def asked(kind, answer, monkeypatch):
    """Faults of clients that ask for one kind of thing, and are always answered this."""
    monkeypatch.setattr(soak_clients, 'SHARES', {kind: 1})

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(10_000)
                connection.sendall(answer)

    with socket.create_server(('127.0.0.1', 0)) as listener:
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        pictures = [Picture(b'dark', 'image/jpeg', '[1]'), Picture(b'bright', 'image/jpeg', '[2]')]
        port = listener.getsockname()[1]
        with SoakClients(port, 0, '', pictures, 1, 20, seed=1) as clients:
            assert clients.is_done.wait(20)
        listener.shutdown(socket.SHUT_RDWR)
        server.join()
    assert clients.sent == 20
    return Counter(clients.faults)


def test_a_picture_with_the_answer_of_another_is_told(monkeypatch):
    answer = b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n[2]'
    [told] = asked('picture', answer, monkeypatch)
    assert told == 'picture: answered 200: [2]'


@pytest.mark.parametrize(('answer', 'told'), [
    (b'HTTP/1.1 400 BAD REQUEST\r\n\r\n', []),
    (b'HTTP/1.1 200 OK\r\n\r\n', ['broken head: HTTP/1.1 200 OK']),
    (b'', ['broken head: no answer'])], ids=['refused', 'served', 'not answered'])
def test_a_broken_head_is_refused(answer, told, monkeypatch):
    assert list(asked('broken head', answer, monkeypatch)) == told
