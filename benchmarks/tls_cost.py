"""What TLS costs: a request on a connection that is kept, and one with a connection of its own.

::

    python benchmarks/tls_cost.py

Three servers, without TLS and with it by a key of each kind, are asked by turns, round after round,
by one client. Of each, the median time of a request is printed, and what the front process has
computed for each; and how many times those of plain HTTP that is.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Optional
from urllib.parse import urlencode

from tls_server import KEYS, CertifiedServer

BODY = urlencode({'data': '[[1, 2, 3, 4]]'})
FORM = {'Content-Type': 'application/x-www-form-urlencoded'}


class Client:
    """Asks one server."""

    def __init__(self, server: CertifiedServer) -> None:
        self.server = server
        self._kept = self._connect()

    def ask_kept(self) -> None:
        """Ask on the connection that there is."""
        _ask(self._kept)

    def ask_fresh(self) -> None:
        """Ask on a connection of its own."""
        connection = self._connect()
        _ask(connection)
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        port, context = self.server.port, self.server.context
        if context is None:
            return http.client.HTTPConnection('127.0.0.1', port)
        return http.client.HTTPSConnection('127.0.0.1', port, context=context)


class Tally:
    """Times of one kind of request to one server, in seconds."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.computed = 0.0

    def measure(self, server: CertifiedServer, ask: Callable[[], None], count: int) -> None:
        """Ask so often."""
        before = server.computed_s()
        for _ in range(count):
            began = time.perf_counter()
            ask()
            self.times.append(time.perf_counter() - began)
        self.computed += server.computed_s() - before

    @property
    def each_ms(self) -> float:
        """Median."""
        return 1000 * statistics.median(self.times)

    @property
    def computed_ms(self) -> float:
        """Mean."""
        return 1000 * self.computed / len(self.times)


def _ask(connection: http.client.HTTPConnection) -> None:
    connection.request('POST', '/m/predict', BODY, FORM)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == http.client.OK


def measure(rounds: int, count: int) -> None:
    """Print a line for each server and kind of request."""
    with tempfile.TemporaryDirectory() as parent:
        kinds: list[Optional[str]] = [None, *KEYS]
        clients = {kind or 'plain': Client(CertifiedServer(Path(parent) / f'{kind}', kind))
                   for kind in kinds}
        tallies = {(name, way): Tally() for way in ('kept', 'fresh') for name in clients}
        for _ in range(rounds):
            for (name, way), tally in tallies.items():
                client = clients[name]
                tally.measure(client.server,
                              client.ask_kept if way == 'kept' else client.ask_fresh, count)
        for client in clients.values():
            client.server.stop()
    for (name, way), tally in tallies.items():
        plain = tallies['plain', way]
        print(f'{way:5} {name:5} {tally.each_ms:.2f} ms ({tally.each_ms / plain.each_ms:.2f}x), '
              f'front {tally.computed_ms:.2f} ms ({tally.computed_ms / plain.computed_ms:.2f}x)')


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=20, help='how often each server has its turn')
    parser.add_argument('--requests', type=int, default=50, help='requests in each turn')
    args = parser.parse_args()
    measure(args.rounds, args.requests)


if __name__ == '__main__':
    main()
