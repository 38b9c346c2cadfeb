"""Throughput, latency and memory of this server, of its peers, and of the hooks alone.

::

    python benchmarks/compare.py --out benchmarks.md

Starts one server after the other, loads each with wrk, and prints a table. The
peers are installed from the package index, each into an environment of its own.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Optional

from body import FIXED_HELP
from contenders.contender import Contender
from contenders.lit_serve import LitServe
from contenders.mms04 import MMS04
from contenders.multi_model_server import MultiModelServer
from contenders.this_server import ThisServer
from environments import default_cache
from machine import describe_machine
from measure import Row, measure, measure_limit
from models import MODELS, BuiltModel, build_model
from plot import check_plot, draw
from processes import BenchmarkError, end_on_sigterm
from report import document, tables
from wrk import check_wrk

PEERS = ('limit', 'mms', 'multi-model-server', 'litserve', 'mms-0.4')


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Compare what the command line asks for; returns the exit status."""
    options = _parse(arguments)
    end_on_sigterm()
    try:
        check_wrk()
        if options.out:
            check_plot()
        contenders = _contenders(options)
        for contender in contenders:
            contender.prepare(options.cache)
        with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as folder:
            rows = [row for name in options.models
                    for row in _compare(build_model(MODELS[name], Path(folder) / name,
                                                    options.fixed),
                                        contenders, options)]
    except BenchmarkError as error:
        print(f'compare.py: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(tables(rows))
    if options.out:
        _write(options, rows, contenders, sys.argv[1:] if arguments is None else arguments)
    return 0


def _parse(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--models', nargs='+', choices=list(MODELS), default=list(MODELS),
                        metavar='MODEL', help=f'of {", ".join(MODELS)} (default: all)')
    parser.add_argument('--peers', nargs='+', choices=PEERS, default=PEERS, metavar='PEER',
                        help=f'of {", ".join(PEERS)} (default: all); mms is this server, limit '
                        'the hooks without one')
    parser.add_argument('--mms04-python', metavar='PYTHON',
                        help='a Python 3.6 for MMS 0.4, which is left out without it')
    parser.add_argument('--connections', nargs='+', type=int, metavar='N',
                        help='numbers of connections (default: 1 8 32, and 16 for dense)')
    parser.add_argument('--seconds', type=int, default=20, help='load of each figure (default: 20)')
    parser.add_argument('--fixed', action='store_true', help=FIXED_HELP)
    parser.add_argument('--server-flags', action='append', default=[], metavar='"--FLAG ..."',
                        help='flags of this server, as one word after a =; again for another row')
    parser.add_argument('--cache', type=Path, default=default_cache(),
                        help="folder for the peers' environments (default: %(default)s)")
    parser.add_argument('--out', type=Path, metavar='FILE.md',
                        help='write the page here, and the plot beside it as FILE.svg')
    return parser.parse_args(arguments)


def _contenders(options: argparse.Namespace) -> list[Contender]:
    makers: dict[str, list[Callable[[], Contender]]] = {
        'mms': [partial(ThisServer, flags) for flags in options.server_flags or ['']],
        'multi-model-server': [MultiModelServer],
        'litserve': [LitServe],
        'mms-0.4': [partial(MMS04, options.mms04_python)] if options.mms04_python else [],
    }
    return [make() for name, own in makers.items() if name in options.peers for make in own]


def _compare(built: BuiltModel, contenders: Sequence[Contender],
             options: argparse.Namespace) -> list[Row]:
    connections = options.connections or built.model.connections
    rows = measure_limit(built, connections, options.seconds) if 'limit' in options.peers else []
    for contender in contenders:
        rows += measure(contender, built, connections, options.seconds)
    return rows


def _write(options: argparse.Namespace, rows: Sequence[Row], contenders: Sequence[Contender],
           arguments: Sequence[str]) -> None:
    """Write the page and the plot."""
    plot = options.out.with_suffix('.svg')
    draw(rows, plot)
    commands = [('this page', shlex.join(['python', 'benchmarks/compare.py', *arguments])),
                *((contender.name, contender.command) for contender in contenders)]
    options.out.write_text(document(rows, describe_machine(), commands, options.seconds,
                                    plot.name))


if __name__ == '__main__':
    sys.exit(main())
