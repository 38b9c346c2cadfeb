"""What the metrics of Prometheus cost: for each request, and for each scrape.

::

    python benchmarks/scrape_cost.py

Requests are counted in this process, with the server's own counters and with those of
``prometheus_client``, and the text of a scrape is written for one model and for twenty. Then two
servers are asked by turns, one of which counts nothing for Prometheus; what the thread of each
front process was computing, divided by the requests, is compared round by round.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from dense import build_archive
from prometheus_client import CollectorRegistry, Counter, Histogram

from mms.metrics.exposition import Exposition
from mms.metrics.gauges import ModelGauges
from mms.metrics.histogram import SECONDS
from mms.metrics.model_tally import PHASES, Exchange
from mms.metrics.observer import Restart
from mms.metrics.server_metrics import ServerMetrics

STAGES = {'preprocess': 0.4, 'inference': 3.1, 'postprocess': 0.2}
BODY = urlencode({'data': '[[1, 2, 3, 4]]'})
FORM = {'Content-Type': 'application/x-www-form-urlencoded'}
# Without the one middleware that counts; the rest of the server is as it is.
UNCOUNTED = '''
from mms.frontend.chain import Middleware
from mms.frontend.measuring import Measuring
Measuring.after, Measuring.error = Middleware.after, Middleware.error
from mms.__main__ import main
main()
'''
COMMANDS = {'counted': ['-m', 'mms'], 'uncounted': ['-c', UNCOUNTED]}


class Front:
    """A server, and one client of it."""

    def __init__(self, command: list[str], archive: str, folder: Path) -> None:
        folder.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, *command, '--models', f'm={archive}', '--workers', '1', '--port', '0'],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        port = int(line.split('//')[1].split()[0].rpartition(':')[2])
        self._connection = http.client.HTTPConnection('127.0.0.1', port)

    def predict(self) -> None:
        """Ask the model."""
        self._ask('POST', '/m/predict')

    def scrape(self) -> None:
        """Ask for the metrics."""
        self._ask('GET', '/metrics')

    def each_us(self, ask: Callable[[], None], times: int) -> float:
        """How long the front process computes over each of some requests, in microseconds."""
        before = self._computed_ns()
        for _ in range(times):
            ask()
        return (self._computed_ns() - before) / times / 1000

    def _ask(self, method: str, path: str) -> None:
        self._connection.request(method, path, BODY if method == 'POST' else None, FORM)
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == http.client.OK

    def _computed_ns(self) -> int:
        """Of the thread that has the event loop: the first number is its time on a processor."""
        return int(Path(f'/proc/{self.process.pid}/schedstat').read_text().split()[0])

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--rounds', type=int, default=10)
    parser.add_argument('--requests', type=int, default=500, help='of each server in each round')
    args = parser.parse_args()
    print(f'a request counted, in process       {own_us():8.2f} us')
    print(f'the same with prometheus_client     {library_us():8.2f} us')
    for models in (1, 20):
        print(f'the text for {models:2} models, in process {text_us(models):8.0f} us')
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), args.rounds, args.requests)


def compare(folder: Path, rounds: int, requests: int) -> None:
    """Print what two servers compute, which are asked by turns."""
    archive = build_archive(folder)
    fronts = {name: Front(command, archive, folder / name) for name, command in COMMANDS.items()}
    took_us: dict[str, list[float]] = {name: [] for name in fronts}
    try:
        for front in fronts.values():
            front.each_us(front.predict, requests)
        for turn in range(rounds):
            # Who comes second finds a warmer machine.
            for name in sorted(fronts, reverse=bool(turn % 2)):
                took_us[name].append(fronts[name].each_us(fronts[name].predict, requests))
        scrape_us = fronts['counted'].each_us(fronts['counted'].scrape, 100)
    finally:
        for front in fronts.values():
            front.stop()
    for name, values in took_us.items():
        print(f'front, a request {name:10}         {statistics.median(values):8.1f} us')
    ratio = statistics.median(one / other for one, other in zip(*took_us.values()))
    print(f'ratio, median of {rounds:3} rounds         {ratio:8.3f}')
    print(f'front, a scrape                     {scrape_us:8.0f} us')
    print(f'of a core, scraped each 15 s        {scrape_us / 15e6:8.3%}')


def own_us() -> float:
    """What it takes to count one request, in microseconds."""
    metrics = ServerMetrics()
    metrics.add_model('m')
    return each_us(lambda: metrics.answered('m', Exchange('classic', 200, 0.004, 1e-4, STAGES)))


def library_us() -> float:
    """The same with the counters of the library, whose children are resolved before."""
    registry = CollectorRegistry()
    count = Counter('requests', 'x', ['model', 'code'], registry=registry).labels('m', '200')
    total = Histogram('total', 'x', ['model'], registry=registry, buckets=SECONDS).labels('m')
    phases = Histogram('phase', 'x', ['model', 'phase'], registry=registry, buckets=SECONDS)
    children = {phase: phases.labels('m', phase) for phase in PHASES}

    def answered() -> None:
        count.inc()
        total.observe(0.004)
        children['queue'].observe(1e-4)
        for stage, took_ms in STAGES.items():
            children[stage].observe(took_ms / 1000)

    return each_us(answered)


def text_us(models: int) -> float:
    """What it takes to write the text of a scrape, in microseconds."""
    metrics = ServerMetrics()
    names = [f'model{number}' for number in range(models)]
    for name in names:
        metrics.add_model(name)
        metrics.answered(name, Exchange('classic', 200, 0.004, 1e-4, STAGES))
        metrics.batch(name, 1)
        metrics.restarted(name, Restart.DIED)
    states = ['spawning', 'warming', 'idle', 'busy', 'retiring', 'closing']
    exposition = Exposition(metrics, ['loading', 'ready', 'degraded', 'failed'], states)
    gauges = [ModelGauges(name, 'ready', 0, 0.0, 0, {'idle': 2}, {'worker': 1}) for name in names]
    exposition.watch(lambda: gauges, lambda: None)
    return each_us(lambda: exposition.text(''), 50)


def each_us(work: Callable[[], object], times: int = 20_000) -> float:
    """The shortest of some averages, in microseconds."""
    return min(timeit.repeat(work, number=times, repeat=5)) / times * 1e6


if __name__ == '__main__':
    main()
