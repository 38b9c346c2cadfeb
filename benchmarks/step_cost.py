"""Where a request's time goes: processor time by process, and what the hooks take.

::

    python benchmarks/step_cost.py
    python benchmarks/step_cost.py --before ../older

With ``--before`` the server of another checkout is measured by turns with this one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median

from answers import check_answer
from body import FIXED_HELP
from contenders.contender import Endpoint
from contenders.this_server import ThisServer
from models import MODELS, BuiltModel, build_model
from parts.run import warm_up
from processes import REPO, BenchmarkError, cpu_s, end_on_sigterm, own_cpu_s
from prometheus_client.parser import text_string_to_metric_families
from report import lines, number
from sections import Section, check_page, put_into
from wrk import check_wrk, run_wrk

DEFAULT_MODELS = ('alexnet', 'dense')
CONNECTIONS = {'alexnet': 32, 'efficientnet': 32, 'dense': 16}
PHASES = ('queue', 'preprocess', 'inference', 'postprocess')


@dataclass(frozen=True)
class Cost:
    """Of one request, in milliseconds; of times that a batch shares, its part."""

    front_cpu: float
    workers_cpu: float
    queue: float
    preprocess: float
    inference: float
    postprocess: float
    batch: float
    requests_per_s: float


NAMES = ('front process, CPU ms', 'model processes, CPU ms', 'wait in the queue, ms',
         '`_preprocess`, ms', '`_inference`, its part of a batch, ms', '`_postprocess`, ms',
         'requests of a batch', 'requests/s')


def main() -> int:
    """Print a table a model."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--models', nargs='+', choices=list(MODELS), default=DEFAULT_MODELS,
                        metavar='MODEL', help=f'of {", ".join(MODELS)} (default: '
                        f'{" ".join(DEFAULT_MODELS)})')
    parser.add_argument('--before', type=Path, metavar='CHECKOUT',
                        help='a checkout of another state, for a column before')
    parser.add_argument('--seconds', type=int, default=8, help='of each load (default: 8)')
    parser.add_argument('--rounds', type=int, default=2, help='medians of so many (default: 2)')
    parser.add_argument('--fixed', action='store_true', help=FIXED_HELP)
    parser.add_argument('--into', type=Path, metavar='PAGE.md',
                        help='put the tables into this page, between the markers that it has')
    options = parser.parse_args()
    end_on_sigterm()
    sections: list[Section] = []
    columns = {**({'before': options.before.resolve()} if options.before else {}), 'now': REPO}
    try:
        check_wrk()
        check_page(options.into)
        with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as folder:
            for name in options.models:
                built = build_model(MODELS[name], Path(folder) / name, options.fixed)
                costs: dict[str, list[Cost]] = {column: [] for column in columns}
                for _ in range(options.rounds):
                    for column, checkout in columns.items():
                        costs[column].append(measure(built, checkout, options.seconds))
                sections.append(Section(f'steps-{name}', f'{MODELS[name].short_title}, '
                                        f'{CONNECTIONS[name]} connections', table(costs)))
                print(f'{sections[-1].text}\n')
        if options.into:
            put_into(options.into, sections)
    except BenchmarkError as error:
        print(f'step_cost.py: {error}', file=sys.stderr)
        return 1
    return 0


def measure(built: BuiltModel, checkout: Path, seconds: int) -> Cost:
    """Serve and load a model."""
    server, connections = ThisServer(checkout=checkout), CONNECTIONS[built.model.name]
    with server.serve(built, server.lean()) as endpoint:
        check_answer(endpoint, built)
        warm_up(endpoint, built, connections, seconds)
        before, front, every = sums(endpoint), own_cpu_s(endpoint.pid), cpu_s(endpoint.pid)
        load = run_wrk(endpoint.url, built.body, connections, seconds)
        front, every = own_cpu_s(endpoint.pid) - front, cpu_s(endpoint.pid) - every
        seen = {name: value - before.get(name, 0.0) for name, value in sums(endpoint).items()}
    requests = load.requests_per_s * seconds
    batch = seen['requests'] / seen['batches']
    times = [seen[phase] / seen['requests'] * 1000 for phase in PHASES]
    return Cost(front / requests * 1000, (every - front) / requests * 1000, times[0], times[1],
                times[2] / batch, times[3], batch, load.requests_per_s)


def sums(endpoint: Endpoint) -> dict[str, float]:
    """Seconds of each phase so far, requests and batches."""
    url = f'http://127.0.0.1:{endpoint.port}/metrics'
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    found = dict.fromkeys((*PHASES, 'requests', 'batches'), 0.0)
    with opener.open(url) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    for sample in (sample for family in families for sample in family.samples):
        if sample.name == 'mms_request_phase_duration_seconds_sum':
            found[sample.labels['phase']] += sample.value
        elif sample.name == 'mms_batch_size_sum':
            found['requests'] += sample.value
        elif sample.name == 'mms_batch_size_count':
            found['batches'] += sample.value
    return found


def table(costs: dict[str, list[Cost]]) -> str:
    """Return one row a step, and a column a state."""
    columns = [middle(own) for own in costs.values()]
    return lines([('step', *costs), ('---', *['---:'] * len(costs)),
                  *((name, *map(number, row)) for name, row in zip(NAMES, zip(*columns)))])


def middle(costs: Sequence[Cost]) -> Iterable[float]:
    """Return the median of each field."""
    assert len(NAMES) == len(fields(Cost))
    return [median(values) for values in zip(*map(astuple, costs))]


if __name__ == '__main__':
    sys.exit(main())
