"""Up to which rate the client of the open loop can be believed, on this machine.

::

    python benchmarks/client_limit.py

Posts to a process that answers each request at once and does nothing else, at one rate after the
other. What is seen there is the client's own time, and that of the machine; where the rate is not
held, or the lag is near what a server takes, figures of that rate are the client's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from answerer import answering
from body import urlencoded_body
from processes import BenchmarkError, end_on_sigterm
from report import lines, number
from timed_load import run_at_rate

RATES = (500, 1000, 2000, 4000, 8000)
HEAD = ('rate, /s', 'held, /s', 'p50, ms', 'p99, ms', "client's lag p99, ms",
        "client's CPU, cores", 'CPU a request, µs')


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--rates', type=float, nargs='+', default=RATES, metavar='N',
                        help=f'requests a second (default: {" ".join(map(str, RATES))})')
    parser.add_argument('--seconds', type=float, default=5, help='of each rate (default: 5)')
    parser.add_argument('--clients', type=int, default=1,
                        help='processes that post by turns (default: 1)')
    options = parser.parse_args()
    end_on_sigterm()
    rows = [HEAD, ['---:'] * len(HEAD)]
    try:
        with answering() as (_, port), tempfile.TemporaryDirectory() as folder:
            url = f'http://127.0.0.1:{port}/predict'
            body = urlencoded_body('[[1, 2, 3, 4]]', Path(folder) / 'body')
            for rate in options.rates:
                load = run_at_rate(url, body, rate, options.seconds, clients=options.clients)
                rows.append([number(rate), number(load.held_per_s), number(load.p50_ms),
                             number(load.p99_ms), number(load.lag_p99_ms), f'{load.cores:.2f}',
                             f'{load.cores / load.held_per_s * 1e6:.0f}'])
    except BenchmarkError as error:
        print(f'client_limit.py: {error}', file=sys.stderr)
        return 1
    print(lines(rows))
    return 0


if __name__ == '__main__':
    sys.exit(main())
