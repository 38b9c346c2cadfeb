"""This server beside its peers, and beside the hooks alone: throughput, latency, start, memory.

::

    python benchmarks/compare.py --out benchmarks.md
    python benchmarks/compare.py --short

Starts the servers, loads them by turns, and prints tables. The peers are installed from
the package index, each into an environment of its own.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Optional

from body import FIXED_HELP
from contenders.contender import Contender
from contenders.lit_serve import LitServe
from contenders.mms04 import MMS04
from contenders.multi_model_server import MultiModelServer
from contenders.this_server import BEFORE, ThisServer
from environments import default_cache
from machine import describe_machine
from models import MODELS
from parts import closed, many, mix, open_loop, startup, tail
from parts.closed_table import Row
from parts.run import Lengths, Run, say
from plot import check_plot, draw
from processes import BenchmarkError, end_on_sigterm
from report import facts
from sections import Section, check_page, put_into, summary
from wrk import check_wrk

PEERS = ('limit', 'mms', 'multi-model-server', 'litserve', 'mms-0.4')
PARTS = {
    'closed': 'as many requests at a time as there are connections',
    'open-loop': 'requests at a fixed rate',
    'start': 'from the start to the first answer',
    'many': 'many small models in one server',
    'mix': 'a heavy and a light model in one server',
    'tail': 'p99 over p50 in a long load',
}
# What a short comparison does: in some minutes on two cores.
SHORT = Lengths(load_s=3, turns=1, warm_s=1, probed_s=1, tail_s=20, rounds=1, models=5, idle_s=3,
                shares=(0.8,))
SHORT_MODELS, SHORT_PEERS, SHORT_CONNECTIONS = ('alexnet', 'dense'), PEERS[1:], (1, 32)
SHORT_PARTS = tuple(part for part in PARTS if part != 'tail')
SECONDS = 20


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Compare what the command line asks for; returns the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    options = _parse(words)
    end_on_sigterm()
    try:
        check_wrk()
        check_page(options.into)
        if _plot_of(options):
            check_plot()
        contenders, left_out = _prepared(options)
        with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as folder:
            run = Run(contenders, _lengths(options), Path(folder), options.fixed, options.short)
            sections, rows = _sections(run, options)
        print('\n\n'.join([section.text for section in sections] + left_out))
        _write(options, rows, sections, _how(options, run, words, left_out))
    except BenchmarkError as error:
        print(f'compare.py: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--parts', nargs='+', choices=list(PARTS), metavar='PART',
                        help='of ' + ', '.join(f'{name} ({what})' for name, what in PARTS.items())
                        + ' (default: all; short, without tail)')
    parser.add_argument('--models', nargs='+', choices=list(MODELS), metavar='MODEL',
                        help=f'under closed and open load, of {", ".join(MODELS)} (default: all)')
    parser.add_argument('--peers', nargs='+', choices=PEERS, metavar='PEER',
                        help=f'of {", ".join(PEERS)} (default: all); mms is this server, limit '
                        'the hooks without one')
    parser.add_argument('--mms04-python', metavar='PYTHON',
                        help='a Python 3.6 for MMS 0.4, which is left out where there is none '
                        '(default: python3.6)')
    parser.add_argument('--connections', nargs='+', type=int, metavar='N',
                        help='numbers of connections (default: 1 8 32, and 16 for dense; '
                        'short, 1 and 32)')
    parser.add_argument('--short', action='store_true',
                        help='everything shorter: fewer models, connections and seconds, and one '
                        'setting of each peer')
    parser.add_argument('--seconds', type=int, metavar='N',
                        help=f'load of each figure (default: {SECONDS}; {SHORT.load_s} if short)')
    parser.add_argument('--many', type=int, metavar='N',
                        help=f'models of the part many, 2 at least (default: {Lengths.models}; '
                        f'{SHORT.models} if short)')
    parser.add_argument('--fixed', action='store_true', help=FIXED_HELP)
    parser.add_argument('--server-flags', action='append', default=[], metavar='"--FLAG ..."',
                        help='flags of this server, as one word after a =; again for another row')
    parser.add_argument('--before', type=Path, metavar='CHECKOUT',
                        help='another state of this server, for further rows')
    parser.add_argument('--cache', type=Path, default=default_cache(),
                        help="folder for the peers' environments (default: %(default)s)")
    parser.add_argument('--out', type=Path, metavar='FILE.md',
                        help='write a page here, and the plot beside it as FILE.svg')
    parser.add_argument('--into', type=Path, metavar='PAGE.md',
                        help='put the tables into this page, between the markers that it has')
    options = parser.parse_args(arguments)
    options.parts = options.parts or (SHORT_PARTS if options.short else tuple(PARTS))
    if options.short:
        options.connections = options.connections or SHORT_CONNECTIONS
    return options


def _lengths(options: argparse.Namespace) -> Lengths:
    lengths = SHORT if options.short else Lengths(SECONDS)
    return replace(lengths, load_s=options.seconds or lengths.load_s,
                   models=max(2, options.many or lengths.models))


def _prepared(options: argparse.Namespace) -> tuple[list[Contender], list[str]]:
    """Those that take part, and why others cannot."""
    taking_part, left_out = [], []
    for name, contender in _contenders(options):
        try:
            contender.prepare(options.cache)
            taking_part.append(contender)
        except BenchmarkError as error:
            if options.peers and name in options.peers:
                raise
            left_out.append(f'{contender.name} is left out: {error}')
            say(left_out[-1])
    if not taking_part:
        raise BenchmarkError('no server takes part (--peers mms is this one)')
    return taking_part, left_out


def _contenders(options: argparse.Namespace) -> list[tuple[str, Contender]]:
    makers: dict[str, list[Callable[[], Contender]]] = {
        'mms': [*(partial(ThisServer, flags) for flags in options.server_flags or ['']),
                *([partial(ThisServer, name=BEFORE, checkout=options.before.resolve())]
                  if options.before else [])],
        'multi-model-server': [MultiModelServer],
        'litserve': [LitServe],
        'mms-0.4': [partial(MMS04, options.mms04_python)],
    }
    peers = _peers(options)
    return [(name, make()) for name, own in makers.items() if name in peers for make in own]


def _peers(options: argparse.Namespace) -> Sequence[str]:
    return options.peers or (SHORT_PEERS if options.short else PEERS)


def _sections(run: Run, options: argparse.Namespace) -> tuple[list[Section], list[Row]]:
    models = [MODELS[name] for name in
              options.models or (SHORT_MODELS if options.short else MODELS)]
    sections: list[Section] = []
    rows: list[Row] = []
    if 'closed' in options.parts:
        sections, rows = closed.measure(run, models, options.connections,
                                        'limit' in _peers(options))
    # After the closed load, which finds the settings and the rates.
    others = {'open-loop': partial(open_loop.measure, run, models),
              'tail': partial(tail.measure, run), 'mix': partial(mix.measure, run),
              'start': partial(startup.measure, run), 'many': partial(many.measure, run)}
    for name, measure in others.items():
        if name in options.parts:
            sections += measure()
    against = summary(sections)
    return [*([against] if against.table else []), *sections], rows


def _how(options: argparse.Namespace, run: Run, words: Sequence[str],
         left_out: Sequence[str]) -> Section:
    """How it was measured, and on what."""
    commands = [('this page', shlex.join(['python', 'benchmarks/compare.py', *words])),
                *((contender.name, contender.command) for contender in run.contenders)]
    legend = '\n'.join([
        f'Each server alone on the machine, one after the other; {run.lengths.load_s} s of load a '
        f'figure after {run.lengths.warm_s} s to warm up.', '',
        *(f'- {name}: `{command}`' for name, command in commands),
        *(f'- {line}' for line in left_out)])
    return Section('machine', 'How it was measured', facts(describe_machine()), legend)


def _write(options: argparse.Namespace, rows: Sequence[Row], sections: Sequence[Section],
           how: Section) -> None:
    """Write the page and the plot, or the tables into a page."""
    plot = _plot_of(options)
    parts = ['# Throughput, latency, start and memory']
    if plot and rows:
        draw(rows, plot)
        parts.append(f'![requests per second and p99]({plot.name})')
    if options.out:
        parts += [section.text for section in (*sections, how)]
        options.out.write_text('\n\n'.join(parts) + '\n', encoding='utf-8')
    if options.into:
        put = put_into(options.into, [*sections, how])
        say(f'{options.into} has new tables: {", ".join(put) or "none, it has no markers"}')


def _plot_of(options: argparse.Namespace) -> Optional[Path]:
    """Where the picture is drawn; beside a page that has one already, only of all parts."""
    page: Optional[Path] = options.out or (
        options.into if len(options.parts) == len(PARTS) else None)
    return page.with_suffix('.svg') if page and 'closed' in options.parts else None


if __name__ == '__main__':
    sys.exit(main())
