"""How long a killed worker is felt: kill -9 under load, time to the next good answer.

::

    python benchmarks/killed_worker.py

The worker that computes most is killed. Each connection posts one of twelve
pictures after the other; an answer other than 200, or none, is an error.
"""

from __future__ import annotations

import argparse
import collections
import http.client
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, Optional

import psutil
from body import FIXED_HELP
from client_threads import ClientThreads
from contenders.contender import Endpoint
from contenders.this_server import serve_alone
from models import MODELS, BuiltModel, build_model
from processes import BenchmarkError, end_on_sigterm, tree

TIMEOUT_S = 60
BUSY_WINDOW_S = 0.5
# A client that is refused comes again; at once would be an attack.
RETRY_S = 0.005


class Answer(NamedTuple):
    """When a request was sent and answered, and how; status 0 is no answer."""

    sent_s: float
    at_s: float
    status: int


class Clients(ClientThreads):
    """Connections that post all the time, from entry to exit."""

    def __init__(self, endpoint: Endpoint, built: BuiltModel, count: int) -> None:
        self.answers: list[Answer] = []
        self._endpoint, self._body = endpoint, built.body
        super().__init__([self._run] * count)

    def _run(self) -> None:
        requests = self._body.requests()
        connection = http.client.HTTPConnection('127.0.0.1', self._endpoint.port,
                                                timeout=TIMEOUT_S)
        while not self.is_over.is_set():
            content, content_type = next(requests)
            sent, status = time.monotonic(), 0
            try:
                connection.request('POST', self._endpoint.predict_path, content,
                                   {'Content-Type': content_type})
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                connection.close()
            self.answers.append(Answer(sent, time.monotonic(), status))
            if status != http.client.OK:
                time.sleep(RETRY_S)
        connection.close()


def main() -> int:
    """Print what the kill did."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--model', choices=list(MODELS), default='alexnet')
    parser.add_argument('--connections', type=int, default=8)
    parser.add_argument('--seconds', type=float, default=5, help='load before and after the kill')
    parser.add_argument('--kills', type=int, default=3)
    parser.add_argument('--fixed', action='store_true', help=FIXED_HELP)
    parser.add_argument('--server-flags', default='', help='as one word after a =')
    options = parser.parse_args()
    end_on_sigterm()
    try:
        with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as folder:
            built = build_model(MODELS[options.model], Path(folder) / options.model,
                                options.fixed)
            for _ in range(options.kills):
                with serve_alone(built, options.server_flags) as endpoint, Clients(
                        endpoint, built, options.connections) as clients:
                    killed_at = load_and_kill(endpoint, options.seconds)
                report(clients.answers, killed_at)
    except BenchmarkError as error:
        print(f'killed_worker.py: {error}', file=sys.stderr)
        return 1
    return 0


def load_and_kill(endpoint: Endpoint, seconds: float) -> float:
    """Let the clients go on before and after the kill; return when it was."""
    time.sleep(seconds)
    worker = busiest(endpoint.pid)
    killed_at = time.monotonic()
    worker.send_signal(signal.SIGKILL)
    time.sleep(seconds)
    return killed_at


def busiest(server_pid: int) -> psutil.Process:
    """Return the child that took most CPU time within half a second.

    Raises
    ------
    BenchmarkError
        The server has no children.
    """
    before = {process: _cpu_s(process) for process in tree(server_pid)[1:]}
    if not before:
        raise BenchmarkError('the server has no worker processes')
    time.sleep(BUSY_WINDOW_S)
    return max(before, key=lambda process: _cpu_s(process) - before[process])


def report(answers: list[Answer], killed_at: float) -> None:
    """Print one line of figures."""
    good = sorted(answer.at_s for answer in answers if answer.status == http.client.OK)
    after = [at for at in good if at > killed_at]
    fresh = min((answer.at_s for answer in answers
                 if answer.status == http.client.OK and answer.sent_s > killed_at), default=None)
    around = [at for at in good if at <= killed_at][-1:] + after
    gap = max((later - earlier for earlier, later in zip(around, around[1:])), default=None)
    bad = collections.Counter(answer.status for answer in answers
                              if answer.status != http.client.OK)
    words = ', '.join(f'{count} x {status or "no answer"}' for status, count in bad.items())
    print(f'next 200 after {_ms(after[0] - killed_at if after else None)}, '
          f'of a request sent after the kill {_ms(fresh - killed_at if fresh else None)}, '
          f'longest time without one {_ms(gap)}; '
          f'{len(good)} good, {sum(bad.values())} errors{f" ({words})" if words else ""}')


def _ms(seconds: Optional[float]) -> str:
    return 'never' if seconds is None else f'{seconds * 1000:.0f} ms'


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


if __name__ == '__main__':
    sys.exit(main())
