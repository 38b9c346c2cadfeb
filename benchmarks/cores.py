"""How throughput, p99, memory and start grow with the cores that the server is given.

::

    python benchmarks/cores.py --out cores.md
    python benchmarks/cores.py --seen --cores 16 64 --models alexnet --seconds 3

Starts the server on 1, 2, 4, ... cores of this machine, and on all, loads it with wrk, and
prints a table a model. With ``--seen`` it runs where it likes and is only shown so many cores,
which may be more than there are: what it starts and what that costs can be looked at then.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Optional

from answers import check_answer
from body import FIXED_HELP
from contenders.contender import Endpoint, Setting
from contenders.this_server import serve_alone
from cores_table import Row, document, tables
from limit import BATCH, measure_limit
from machine import describe_machine
from models import MODELS, BuiltModel, build_model
from parts.run import SETTLE_S, Lengths
from place import Place, held, seen
from processes import BenchmarkError, cores, end_on_sigterm, pss_mb, tree
from wrk import Load, check_wrk, run_wrk

SEEN = (1, 2, 4, 16)
CONNECTIONS_PER_CORE = 4
# Enough to fill batches on one core, and no more than one wrk thread is sure to keep busy.
CONNECTIONS = range(8, 128 + 1)
WORKERS = re.compile(r'is (?:loaded|measured) after .*?[,:] (\d+ workers?\b[^(\n]*)')
NOT_FORKED = re.compile(r'is not forked(?: any more)?: (.+?)\.(?= |$)'
                        r'|workers cannot be forked \((.+)\)', re.MULTILINE)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Measure what the command line asks for; returns the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    options = _parse(words)
    end_on_sigterm()
    rows: list[Row] = []
    status = 0
    try:
        check_wrk()
        for row in _rows(options):
            rows.append(row)
    except BenchmarkError as error:
        print(f'cores.py: {" / ".join(map(str.strip, str(error).splitlines()))}', file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        status = 130
    only_seen_on = cores() if options.seen else None
    if rows:
        # What there is, if one failed after an hour.
        print(tables(rows, only_seen_on))
    if options.out and status == 0:
        command = shlex.join(['python', 'benchmarks/cores.py', *words])
        options.out.write_text(document(rows, describe_machine(), command,
                                        (options.seconds, options.warm_up), only_seen_on))
    return status


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--models', nargs='+', choices=list(MODELS), default=list(MODELS),
                        metavar='MODEL', help=f'of {", ".join(MODELS)} (default: all)')
    parser.add_argument('--cores', nargs='+', type=_positive, metavar='N',
                        help='numbers of cores (default: 1 2 4 8 ... and all that there are; '
                        f'with --seen {" ".join(map(str, SEEN))})')
    parser.add_argument('--seconds', type=_positive, default=10,
                        help='load of each figure (default: 10)')
    parser.add_argument('--warm-up', type=int, default=Lengths.warm_s, metavar='SECONDS',
                        help='load before each of them (default: %(default)s)')
    parser.add_argument('--seen', action='store_true',
                        help='show the server so many cores, and hold it to none; needs a C '
                        'compiler')
    parser.add_argument('--fixed', action='store_true', help=FIXED_HELP)
    parser.add_argument('--server-flags', default='', metavar='"--FLAG ..."',
                        help='more flags of the server, as one word after a =')
    parser.add_argument('--out', type=Path, metavar='FILE.md', help='write the page here')
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _rows(options: argparse.Namespace) -> Iterator[Row]:
    numbers = options.cores or (SEEN if options.seen else numbers_up_to(cores()))
    places = [seen(number) if options.seen else held(number) for number in numbers]
    with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as folder:
        for name in options.models:
            built = build_model(MODELS[name], Path(folder) / name, options.fixed)
            for place in places:
                try:
                    yield _measure(built, place, options)
                except BenchmarkError as error:
                    raise BenchmarkError(f'{name}, {place.cores} cores: {error}') from error


def numbers_up_to(most: int) -> list[int]:
    """Return the powers of two up to `most`, and `most`."""
    return sorted({2**power for power in range(most.bit_length())} | {most})


def _measure(built: BuiltModel, place: Place, options: argparse.Namespace) -> Row:
    connections = CONNECTIONS_PER_CORE * place.cores
    connections = min(max(connections, CONNECTIONS[0]), CONNECTIONS[-1])
    began = time.monotonic()
    with serve_alone(built, options.server_flags, place) as endpoint:
        ready_s = time.monotonic() - began
        check_answer(endpoint, built)
        lone = _load(endpoint, built, 1, options)
        load = _load(endpoint, built, connections, options)
        processes, memory_mb = len(tree(endpoint.pid)), pss_mb(endpoint.pid)
        said = _said(endpoint)
    why, chosen = NOT_FORKED.search(said), WORKERS.findall(said)
    workers = chosen[-1].strip() if chosen else 'not said'
    one_worker_mb = memory_mb if workers.split()[:2] == ['1', 'worker'] else \
        _one_worker_mb(built, place, connections, options)
    limit = None if options.seen else _limit_per_s(built, place, options.seconds)
    row = Row(built.model.name, place.cores, ready_s, (why[1] or why[2]) if why else '', workers,
              processes, memory_mb, one_worker_mb, lone, connections, load, limit)
    _say(row)
    return row


def _load(endpoint: Endpoint, built: BuiltModel, connections: int,
          options: argparse.Namespace) -> Load:
    """Load it after a load to warm up, in which slow connections may not all be answered."""
    if options.warm_up:
        with contextlib.suppress(BenchmarkError):
            run_wrk(endpoint.url, built.body, connections, options.warm_up)
        time.sleep(SETTLE_S)
    return run_wrk(endpoint.url, built.body, connections, options.seconds)


def _said(endpoint: Endpoint) -> str:
    return endpoint.output.read_text(errors='replace') if endpoint.output else ''


def _one_worker_mb(built: BuiltModel, place: Place, connections: int,
                   options: argparse.Namespace) -> float:
    """PSS with one worker, once it has had batches of every size."""
    with serve_alone(built, f'{options.server_flags} --workers 1'.strip(), place) as endpoint:
        check_answer(endpoint, built)
        run_wrk(endpoint.url, built.body, connections, options.seconds)
        return pss_mb(endpoint.pid)


def _limit_per_s(built: BuiltModel, place: Place, seconds: int) -> float:
    """Requests a second of the hooks alone, in a process a core with one thread each."""
    alone = replace(place, variables={**place.variables, 'OMP_NUM_THREADS': '1'})
    setting = Setting(place.cores, BATCH, naive_engine=True)
    return measure_limit(built, setting, seconds, alone).load.requests_per_s


def _say(row: Row) -> None:
    # One thread of wrk cannot take more than 100 % of a core: near it, wrk is what is measured.
    print(f'{row.model}, {row.cores} cores: ready after {row.ready_s:.1f} s, {row.workers}, '
          f'{row.load.requests_per_s:.1f}/s on {row.connections} connections, '
          f'p99 {row.load.p99_ms:.1f} ms, {row.memory_mb:.0f} MB; wrk took '
          f'{row.load.cpu_share * cores():.0%} of a core', file=sys.stderr)


if __name__ == '__main__':
    sys.exit(main())
