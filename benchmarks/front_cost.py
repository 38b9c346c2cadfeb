"""Processor time of a request in the server's own process, in front processes, and in workers.

Where the server's own process is what binds, a million microseconds by those of one request is how
many it can hand on in a second, on however many cores.

Run it with::

    python benchmarks/front_cost.py --fronts 1 2 4
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
from models import MODELS, BuiltModel, build_model
from processes import REPO, BenchmarkError, free_port, plain_environment, running, tree
from scratch import in_scratch
from wrk import Load, check_wrk, run_wrk

UP_S = 60
SERVER, FRONT, WORKER = 'python', 'mms-front', 'mms-worker'


def main() -> int:
    """Print the table; the exit status."""
    parser = argparse.ArgumentParser(description='Processor time of a request of one dense layer.')
    parser.add_argument('--fronts', type=int, nargs='+', default=[1, 2, 4], metavar='N',
                        help='front processes, by turns')
    parser.add_argument('--connections', type=int, default=64, metavar='N', help='of the load')
    parser.add_argument('--seconds', type=int, default=5, metavar='N', help='of each load')
    parser.add_argument('--rounds', type=int, default=2, metavar='N', help='of all of them')
    args = parser.parse_args()
    return in_scratch(lambda folder: _run(args, folder))


def _run(args: argparse.Namespace, folder: Path) -> int:
    check_wrk()
    built = build_model(MODELS['dense'], folder / 'dense', fixed=True)
    print('| front processes | requests/s | p99, ms | own process, us | fronts, us | workers, us '
          '| own process can, per s |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
    for _ in range(args.rounds):
        for fronts in args.fronts:
            load, cpu_us = _measured(built, folder, fronts, args.connections, args.seconds)
            own = cpu_us[SERVER]
            print(f'| {fronts} | {load.requests_per_s:.0f} | {load.p99_ms:.0f} | {own:.0f} '
                  f'| {cpu_us[FRONT]:.0f} | {cpu_us[WORKER]:.0f} | {1e6 / own:.0f} |', flush=True)
    return 0


def _measured(built: BuiltModel, folder: Path, fronts: int, connections: int,
              seconds: int) -> tuple[Load, Counter[str]]:
    """What the load saw, and microseconds of a request by the kind of process."""
    port = free_port()
    command = [sys.executable, '-m', 'mms', '--models', f'dense={built.archive}', '--port',
               str(port), '--front-processes', str(fronts)]
    output = folder / 'output'
    with running(command, folder, plain_environment(PYTHONPATH=str(REPO)), output) as process:
        _wait(process.pid, output)
        url = f'http://127.0.0.1:{port}/dense/predict'
        run_wrk(url, built.body, connections, 1)
        before = _cpu_s(process.pid)
        load = run_wrk(url, built.body, connections, seconds)
        spent = _cpu_s(process.pid)
        spent.subtract(before)
    requests = load.requests_per_s * seconds
    return load, Counter({kind: each / requests * 1e6 for kind, each in spent.items()})


def _wait(pid: int, output: Path) -> None:
    end = time.monotonic() + UP_S
    while not re.search(r'^Serving ', output.read_text(), re.MULTILINE):
        if time.monotonic() > end or not psutil.pid_exists(pid):
            raise BenchmarkError(f'the server does not start:\n{output.read_text()}')
        time.sleep(0.1)


def _cpu_s(pid: int) -> Counter[str]:
    """Seconds by the kind of process."""
    found: Counter[str] = Counter()
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            kind = SERVER if process.pid == pid else process.name()
            found[kind] += times.user + times.system
    return found


if __name__ == '__main__':
    sys.exit(main())
