"""What more workers cost in memory: PSS of the whole tree at one and at four workers.

::

    python benchmarks/memory.py

Every worker answers before the memory is looked at, since a network that has not
run yet has not allocated what it computes in.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from answers import check_answer
from body import FIXED_HELP
from contenders.this_server import serve_alone
from models import MODELS, BuiltModel, build_model
from processes import BenchmarkError, end_on_sigterm, pss_mb, tree
from wrk import check_wrk, run_wrk

# So many connections that no worker stays idle.
CONNECTIONS_PER_WORKER = 4


def main() -> int:
    """Print one line a number of workers, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--model', choices=list(MODELS), default='alexnet')
    parser.add_argument('--workers', type=int, nargs='+', default=[1, 4], metavar='N')
    parser.add_argument('--seconds', type=int, default=10, help='load before a look (default: 10)')
    parser.add_argument('--fixed', action='store_true', help=FIXED_HELP)
    parser.add_argument('--server-flags', default='', help='more flags, as one word after a =')
    options = parser.parse_args()
    end_on_sigterm()
    try:
        check_wrk()
        with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as folder:
            built = build_model(MODELS[options.model], Path(folder) / options.model,
                                options.fixed)
            found = {workers: used_mb(built, workers, options.seconds, options.server_flags)
                     for workers in options.workers}
    except BenchmarkError as error:
        print(f'memory.py: {error}', file=sys.stderr)
        return 1
    first = options.workers[0]
    for workers, used in found.items():
        print(f'{workers:3} workers  {used:7.0f} MB  {used / found[first]:5.2f} x of {first}')
    return 0


def used_mb(built: BuiltModel, workers: int, seconds: int, flags: str) -> float:
    """PSS of a server with so many workers, after a load that reaches all of them."""
    with serve_alone(built, f'--workers {workers} {flags}'.strip()) as endpoint:
        check_answer(endpoint, built)
        run_wrk(endpoint.url, built.body, CONNECTIONS_PER_WORKER * workers, seconds)
        print(f'{workers} workers: {len(tree(endpoint.pid))} processes', file=sys.stderr)
        return pss_mb(endpoint.pid)


if __name__ == '__main__':
    sys.exit(main())
