"""What restarts and reloads cost clients: failed requests, and the time from SIGTERM to the end.

::

    python benchmarks/restarts_under_load.py

Each server takes the port over from the one before (``--reuse-port``); then the last one reads its
files again at each SIGHUP. Half of the clients keep their connections, the other half make one for
each request. An answer other than 200, or none, is a failure.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import http.client
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from body import FIXED_HELP
from client_threads import ClientThreads
from models import MODELS, BuiltModel, build_model
from processes import (
    REPO,
    BenchmarkError,
    end_on_sigterm,
    free_port,
    plain_environment,
    stop,
)

TIMEOUT_S = 60
START_S = 120
END_S = 60


class Clients(ClientThreads):
    """Connections that post all the time, from entry to exit."""

    def __init__(self, port: int, built: BuiltModel, count: int) -> None:
        self.outcomes: collections.Counter[str] = collections.Counter()
        self._port, self._built = port, built
        self._path = f'/{built.model.name}/predict'
        self._lock = threading.Lock()
        super().__init__([partial(self._run, place % 2 == 0) for place in range(count)])

    def taken(self) -> collections.Counter[str]:
        """What became of the requests since this was last called."""
        with self._lock:
            outcomes, self.outcomes = self.outcomes, collections.Counter()
        return outcomes

    def _run(self, keeps: bool) -> None:
        requests = self._built.body.requests()
        connection = http.client.HTTPConnection('127.0.0.1', self._port, timeout=TIMEOUT_S)
        while not self.is_over.is_set():
            # As clients do that keep connections: one that the server has closed is not used again.
            if not keeps or _is_readable(connection):
                connection.close()
            content, content_type = next(requests)
            try:
                connection.request('POST', self._path, content, {'Content-Type': content_type})
                answer = connection.getresponse()
                answer.read()
                outcome = str(answer.status)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                outcome = type(error).__name__
            with self._lock:
                self.outcomes[outcome] += 1
        connection.close()


def _is_readable(connection: http.client.HTTPConnection) -> bool:
    return connection.sock is not None and bool(select.select([connection.sock], [], [], 0)[0])


class Servers:
    """Servers of one model on one port, each in a folder of its own."""

    def __init__(self, built: BuiltModel, folder: Path, undo: contextlib.ExitStack) -> None:
        self.port = free_port()
        self._words = [sys.executable, '-m', 'mms', '--reuse-port', '--port', str(self.port),
                       '--models', f'{built.model.name}={built.archive}']
        self._folder, self._undo, self._count = folder, undo, 0
        self._manager = undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self._manager.bind(str(folder / 'notify'))
        self._manager.settimeout(START_S)

    def start(self) -> subprocess.Popen[bytes]:
        """Start one, and wait until it is ready.

        Raises
        ------
        BenchmarkError
            It is not.
        """
        folder = self._folder / str(self._count)
        folder.mkdir()
        self._count += 1
        with (folder / 'output').open('wb') as output:
            process = subprocess.Popen(
                self._words, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, env=plain_environment(
                    PYTHONPATH=str(REPO), NOTIFY_SOCKET=str(self._folder / 'notify')))
        self._undo.callback(stop, process)
        self.wait_for(b'READY=1')
        return process

    def wait_for(self, state: bytes) -> None:
        """Wait until a server tells a state.

        Raises
        ------
        BenchmarkError
            None does.
        """
        try:
            while not self._manager.recv(4096).startswith(state):
                pass
        except TimeoutError:
            raise BenchmarkError(f'no server told {state.decode()} within {START_S} s; '
                                 f'{self._folder} has what they printed') from None


def main() -> int:
    """Print what restarts and reloads did."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--model', choices=list(MODELS), default='dense')
    parser.add_argument('--connections', type=int, default=8)
    parser.add_argument('--restarts', type=int, default=100)
    parser.add_argument('--reloads', type=int, default=100)
    parser.add_argument('--fixed', action='store_true', help=FIXED_HELP)
    options = parser.parse_args()
    end_on_sigterm()
    try:
        with serving(options.model, options.fixed) as (servers, built):
            server = servers.start()
            with Clients(servers.port, built, options.connections) as clients:
                server, ends_s = restart(servers, server, options.restarts)
                report(f'{options.restarts} restarts', clients.taken())
                reload(servers, server, options.reloads)
                report(f'{options.reloads} reloads', clients.taken())
    except BenchmarkError as error:
        print(f'restarts_under_load.py: {error}', file=sys.stderr)
        return 1
    if ends_s:
        print(f'from SIGTERM to the end: median {statistics.median(ends_s):.2f} s, '
              f'longest {max(ends_s):.2f} s')
    return 0


@contextlib.contextmanager
def serving(model: str, fixed: bool) -> Iterator[tuple[Servers, BuiltModel]]:
    """Make servers of a model, which are gone at the end."""
    with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as folder:
        built = build_model(MODELS[model], Path(folder) / model, fixed)
        with contextlib.ExitStack() as undo:
            yield Servers(built, Path(folder), undo), built


def restart(servers: Servers, server: subprocess.Popen[bytes],
            times: int) -> tuple[subprocess.Popen[bytes], list[float]]:
    """Have one server after the other take over; the last one, and how long each took to end."""
    ends_s = []
    for _ in range(times):
        new = servers.start()
        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        server.wait(END_S)
        ends_s.append(time.monotonic() - began)
        server = new
    return server, ends_s


def reload(servers: Servers, server: subprocess.Popen[bytes], times: int) -> None:
    """Have a server read its files again, so many times."""
    for _ in range(times):
        server.send_signal(signal.SIGHUP)
        servers.wait_for(b'READY=1')


def report(what: str, outcomes: collections.Counter[str]) -> None:
    """Print one line of figures."""
    good = outcomes.pop(str(http.client.OK.value), 0)
    words = ', '.join(f'{count} x {outcome}' for outcome, count in outcomes.items())
    print(f'{what}: {good} good, {sum(outcomes.values())} failed{f" ({words})" if words else ""}')


if __name__ == '__main__':
    sys.exit(main())
