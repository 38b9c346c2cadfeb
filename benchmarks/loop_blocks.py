"""How long the event loop of the front attends to nobody else, by what the server does meanwhile.

::

    python benchmarks/loop_blocks.py

The server itself measures its turns, and tells of those of 10 ms and more (`--log-level DEBUG`). A
machine that has more to do than it has cores for makes them longer: what the loop has computed in
the longest turn is beside it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from attackers import Attack, asked_for, attacking, dying_clients, requests_at_once, uploads
from attacks import MODEL, SERVICE, SIGNATURE
from body import urlencoded_body
from chaos_actions import AnyDisk
from client_threads import ClientThreads
from contenders.contender import Endpoint, started
from processes import REPO, free_port, plain_environment, tree
from scratch import in_scratch
from weightless import build_weightless

from mms.client.management_address import read_address
from mms.client.management_client import ManagementClient

TOLD = re.compile(r'Nobody was served for (\d+) ms: the event loop was blocked, and computed for '
                  r'(\d+) ms of it(?: \(in (.*?)\))?')
MODELS = 20
LIMIT_MS = 50
TOKEN = 'of-this-benchmark-alone'
SLOW_MS = 200
# Lines of a slow disk come late.
SETTLE_S = 1.0
LARGE_MB = 60
TIMEOUT_S = 120


class Turn(NamedTuple):
    """A turn of the loop: how long it was, how much of that it computed, and in which calls."""

    took_ms: int
    computed_ms: int
    calls: str


class Server:
    """A server of 20 models whose disk may be slow, and what its loop tells."""

    def __init__(self, endpoint: Endpoint, archive: str, management: ManagementClient,
                 disk: AnyDisk, log: Path) -> None:
        self.endpoint, self.archive, self.management = endpoint, archive, management
        self.disk = disk
        self._log = log
        self._seen = 0

    def turns(self) -> list[Turn]:
        """Those that were told since this was last called."""
        time.sleep(SETTLE_S)
        with self._log.open() as file:
            file.seek(self._seen)
            text = file.read()
            self._seen = file.tell()
        return [Turn(int(took), int(computed), calls)
                for took, computed, calls in TOLD.findall(text)]


def activities(server: Server, seconds: float) -> Mapping[str, Callable[[], None]]:
    """What is measured, by what the table calls it."""
    management, pid = server.management, server.endpoint.pid

    def attacked(attack: Attack) -> None:
        with attacking(attack, server.endpoint):
            time.sleep(seconds)

    def asked(path: str) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            _ask(server.endpoint, 'GET', path)

    def listed() -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for name in management.names():
                management.describe(name)

    def loaded_on(behave: Callable[[], None]) -> None:
        behave()
        with _load(server.endpoint, 8):
            time.sleep(seconds)
        server.disk.be_well()

    def replaced_on_slow_disk() -> None:
        server.disk.be_slow(SLOW_MS)
        management.replace('m1', server.archive)
        server.disk.be_well()

    def killed() -> None:
        for process in tree(pid)[1:]:
            if process.name() == 'mms-worker':
                process.send_signal(signal.SIGKILL)
        time.sleep(seconds)

    def reloaded() -> None:
        for number in (signal.SIGHUP, signal.SIGUSR1) * 3:
            os.kill(pid, number)
            time.sleep(seconds / 6)

    return {
        'nothing': lambda: time.sleep(seconds),
        '8 clients, small requests': lambda: loaded_on(server.disk.be_well),
        '8 clients, slow disk': lambda: loaded_on(lambda: server.disk.be_slow(SLOW_MS)),
        '8 clients, full disk': lambda: loaded_on(server.disk.be_full),
        f'bodies of {LARGE_MB} MB': lambda: attacked(uploads(4, LARGE_MB)),
        f'a JSON value of {LARGE_MB} MB': lambda: _send_json(server.endpoint),
        'answers of 20 MB': lambda: attacked(asked_for('answer', 20, 4)),
        'log records of 20 MB': lambda: attacked(asked_for('log', 20)),
        '1500 clients that die': lambda: attacked(dying_clients),
        '1500 requests at once': lambda: attacked(requests_at_once),
        'scrapes of 20 models': lambda: asked('/metrics'),
        'descriptions of 20 models': lambda: asked('/api-description'),
        'management listings': listed,
        'a model is replaced': lambda: _none(management.replace('m0', server.archive)),
        'a model is replaced, slow disk': replaced_on_slow_disk,
        'a model of 8 workers is loaded': lambda: _none(management.load(
            server.archive, model_name='more', initial_workers=8)),
        'a model is unloaded': lambda: _none(management.unload('more')),
        'all workers are killed': killed,
        'SIGHUP and SIGUSR1': reloaded,
    }


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--seconds', type=float, default=5, help='of each activity (default: 5)')
    parser.add_argument('--only', nargs='+', metavar='WORD', default=[],
                        help='activities that have one of these words in their names')
    parser.add_argument('--calls', action='store_true',
                        help='tell in which calls the longest turns were, where that was seen')
    options = parser.parse_args()
    return in_scratch(lambda folder: run(folder, options))


def run(folder: Path, options: argparse.Namespace) -> int:
    """Start a server, do one thing after the other, and print what its loop told."""
    sys.path.append(str(REPO / 'tests'))
    from disk_faults import Disk

    (folder / 'disk').mkdir()
    disk = Disk(folder / 'disk', folder / 'disk_state')
    built = build_weightless(MODEL, SERVICE, SIGNATURE,
                             urlencoded_body('["answer", 0]', folder / 'form'), folder)
    port, management_port = free_port(), free_port()
    (folder / 'token').write_text(TOKEN)
    (folder / 'token').chmod(0o600)
    command = [
        sys.executable, '-m', 'mms', '--models', *(f'm{number}={built.archive}'
                                                   for number in range(MODELS)),
        '--port', str(port), '--management-port', str(management_port), '--workers', '1',
        '--management-token', str(folder / 'token'), '--log-level', 'DEBUG']
    environment = plain_environment(PYTHONPATH=str(REPO), TMPDIR=str(folder / 'disk'),
                                    **disk.environment)
    print('| what the server does | turns > 50 ms | longest | computed in it |\n'
          '| --- | --- | --- | --- |')
    with started(command, folder / 'disk', environment, port, '/ping') as process:
        endpoint = Endpoint(process.pid, port, '/m0/predict', '/ping')
        management = ManagementClient(read_address(f'127.0.0.1:{management_port}'), TOKEN)
        server = Server(endpoint, str(built.archive), management, disk,
                        folder / 'disk' / 'mms_app.log')
        report(f'it starts with {MODELS} models', server.turns(), options.calls)
        for name, act in activities(server, options.seconds).items():
            if not options.only or any(word in name for word in options.only):
                act()
                report(name, server.turns(), options.calls)
        management.close()
    return 0


def report(name: str, turns: Sequence[Turn], with_calls: bool) -> None:
    """Print a row."""
    longest = max(turns, default=Turn(0, 0, ''))
    over = sum(turn.took_ms > LIMIT_MS for turn in turns)
    took = f'{longest.took_ms} ms' if turns else 'under 10 ms'
    print(f'| {name} | {over} | {took} | {longest.computed_ms} ms |', flush=True)
    if with_calls:
        for turn in sorted(turns, reverse=True)[:5]:
            if turn.took_ms > LIMIT_MS:
                print(f'  {turn.took_ms} ms, computed {turn.computed_ms}: {turn.calls}')


def _load(endpoint: Endpoint, count: int) -> ClientThreads:
    """Clients that ask for small predictions."""
    def ask_on(clients: list[ClientThreads]) -> None:
        while not clients[0].is_over.is_set():
            _ask(endpoint, 'POST', endpoint.predict_path, 'data=["answer", 0]')

    holder: list[ClientThreads] = []
    holder.append(ClientThreads([partial(ask_on, holder)] * count))
    return holder[0]


def _send_json(endpoint: Endpoint) -> None:
    _ask(endpoint, 'POST', endpoint.predict_path,
         'data=' + json.dumps([1] * (LARGE_MB * 10**6 // 3 - 100)))


def _ask(endpoint: Endpoint, method: str, path: str, body: str = '') -> None:
    connection = http.client.HTTPConnection('127.0.0.1', endpoint.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body or None,
                           {'Content-Type': 'application/x-www-form-urlencoded'} if body else {})
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()


def _none(answer: object) -> None:
    """What the management port answers is of no matter."""


if __name__ == '__main__':
    sys.exit(main())
