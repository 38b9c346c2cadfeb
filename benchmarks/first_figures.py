"""Start-up time, memory and the cost of one request, in one run.

::

    python benchmarks/first_figures.py

Exports a 233 MB AlexNet, times ``mxnet-model-server`` from its start to its
first healthy ``/ping``, and then asks the server and the same hooks in a
process of their own by turns, so that a machine whose speed drifts drifts for
both.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from alexnet import build_archive
from body import FIXED_HELP, Body, picture_body
from measured import await_measured
from picture import kitten_jpeg, other_jpegs


def main() -> None:
    """Print the figures as a table."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--rounds', type=int, default=10)
    parser.add_argument('--requests', type=int, default=20, help='requests of one round')
    parser.add_argument('--fixed', action='store_true', help=FIXED_HELP)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = build_archive(Path(folder))
        pictures = [kitten_jpeg(), *([] if args.fixed else other_jpegs())]
        files = [Path(folder) / f'{number}.jpg' for number in range(len(pictures))]
        for file, picture in zip(files, pictures):
            file.write_bytes(picture)
        body = replace(picture_body(pictures[0], Path(folder) / 'body', pictures[1:]),
                       is_fixed=args.fixed)
        server, port, ready_s = start_server(archive, folder)
        hooks = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name('in_process.py')), archive,
             *map(str, files)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            await_measured(Path(folder) / 'mms_app.log')
            served, direct = compare(port, body, hooks, args.rounds, args.requests)
            front, tree = memory_mb(server)
        finally:
            for process in (server, hooks):
                process.terminate()
                process.wait()
    report(ready_s, front, tree, served, direct)


def start_server(archive: str, folder: str) -> tuple[subprocess.Popen[str], int, float]:
    """Server process, its port, and the seconds until ``/ping`` was healthy."""
    start = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, '-m', 'mms', '--models', f'alexnet={archive}', '--port', '0',
         '--no-cache'],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    line = server.stdout.readline()
    port = int(line.split('//')[1].split()[0].rpartition(':')[2])
    connection = http.client.HTTPConnection('127.0.0.1', port)
    connection.request('GET', '/ping')
    assert connection.getresponse().status == 200
    return server, port, time.perf_counter() - start


def compare(
    port: int, body: Body, hooks: subprocess.Popen[str], rounds: int, requests: int,
) -> tuple[list[float], list[float]]:
    """Milliseconds of each request through the server, and of each direct call."""
    connection = http.client.HTTPConnection('127.0.0.1', port)
    posts = body.requests()
    served: list[float] = []
    direct: list[float] = []
    ask(connection, posts, requests)
    call(hooks, requests)
    for _ in range(rounds):
        served += ask(connection, posts, requests)
        direct += call(hooks, requests)
    return served, direct


def ask(connection: http.client.HTTPConnection, posts: Iterator[tuple[bytes, str]],
        requests: int) -> list[float]:
    """Milliseconds of some requests, one after the other, on one connection."""
    times = []
    for _ in range(requests):
        content, content_type = next(posts)
        start = time.perf_counter()
        connection.request('POST', '/alexnet/predict', content, {'Content-Type': content_type})
        answer = connection.getresponse()
        assert len(json.loads(answer.read())['prediction']) == 5
        times.append((time.perf_counter() - start) * 1000)
    return times


def call(hooks: subprocess.Popen[str], requests: int) -> list[float]:
    """Milliseconds of some direct calls."""
    assert hooks.stdin is not None
    assert hooks.stdout is not None
    hooks.stdin.write(f'{requests}\n')
    hooks.stdin.flush()
    times: list[float] = json.loads(hooks.stdout.readline())
    return times


def memory_mb(server: subprocess.Popen[Any]) -> tuple[float, float]:
    """Resident megabytes of the front process, and PSS of it and its children."""
    front = psutil.Process(server.pid)
    tree = [front, *front.children(recursive=True)]
    pss = sum(process.memory_full_info().pss for process in tree)
    return front.memory_info().rss / 2**20, pss / 2**20


def report(
    ready_s: float, front_mb: float, tree_mb: float, served: list[float], direct: list[float],
) -> None:
    """Print one line a figure."""
    rows = [
        ('start to ready, 233 MB AlexNet', f'{ready_s:.2f} s'),
        ('front process, resident', f'{front_mb:.0f} MB'),
        ('all processes, PSS', f'{tree_mb:.0f} MB'),
        ('one request through the server, p50', f'{statistics.median(served):.2f} ms'),
        ('the same hooks in process, p50', f'{statistics.median(direct):.2f} ms'),
        ('difference of the medians',
         f'{statistics.median(served) - statistics.median(direct):.2f} ms'),
        ('requests compared', f'{len(served)} and {len(direct)}'),
    ]
    for name, value in rows:
        print(f'{name:<40}{value:>12}')


if __name__ == '__main__':
    main()
