"""What a server of many small models takes: its start, its memory, one more model, and being idle.

::

    python benchmarks/many_models.py
    python benchmarks/many_models.py --models 100 --archive flowers.model
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import psutil
from contenders.contender import scratch
from processes import (
    REPO,
    BenchmarkError,
    end_on_sigterm,
    free_port,
    plain_environment,
    pss_mb,
    running,
    tree,
)

# As MMS 0.4 wrote it, with a network of 4 KB.
SMALL = REPO / 'tests' / 'fixtures' / 'mms04' / 'a2_vision.model'
_READY = 'Service started successfully'
_MEASURED = ' is measured after '
_MANAGEMENT = re.compile(r'Management endpoint: (\S+)  \(its token is in (\S+)\)')
_LONGEST_START_S = 300.0
_POLL_S = 0.01
# What a start has left to do, as giving memory back, is done by then.
_SETTLES_S = 5.0
_ONE_MORE = 'one_more'


class Figures(NamedTuple):
    """What was measured.

    Attributes
    ----------
    ready_s
        From the start to the line that says so.
    start_cpu_s
        Processor time of all processes until then.
    measured_s
        From the start until what pays is known of every model.
    memory_mb
        PSS of all processes, after that.
    kinds
        How many processes there are of each name.
    added_s, added_mb
        One more model, added through the management port, until that answers.
    idle_cpu_ms
        Processor time of all processes in each second without a request.
    """

    ready_s: float
    start_cpu_s: float
    measured_s: float
    memory_mb: float
    kinds: Counter[str]
    added_s: float
    added_mb: float
    idle_cpu_ms: float


def main() -> int:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--models', type=int, default=20, metavar='N')
    parser.add_argument('--archive', type=Path, default=SMALL, help='what each of them is')
    parser.add_argument('--idle-seconds', type=float, default=20.0,
                        help='how long nobody asks (default: 20)')
    options = parser.parse_args()
    end_on_sigterm()
    try:
        found = measure(options.models, options.archive, options.idle_seconds)
    except BenchmarkError as error:
        print(f'many_models.py: {error}', file=sys.stderr)
        return 1
    processes = ', '.join(f'{count} {name}' for name, count in sorted(found.kinds.items()))
    print(f'{options.models} models: ready after {found.ready_s:.2f} s '
          f'({found.start_cpu_s:.2f} s of a processor), measured after {found.measured_s:.1f} s')
    print(f'memory: {found.memory_mb:.0f} MB ({processes})')
    print(f'one more: {found.added_s:.2f} s, {found.added_mb:.1f} MB')
    print(f'idle: {found.idle_cpu_ms:.2f} ms of a processor each second')
    return 0


def measure(models: int, archive: Path, idle_s: float) -> Figures:
    """Serve an archive under so many names, and look."""
    if not archive.is_file():
        raise BenchmarkError(f'there is no {archive}; --archive names one')
    with _served(models, archive) as (pid, output, ready_s):
        start_cpu_s = _cpu_s(pid)
        measured_s = ready_s + _until(lambda: output.read_text(
            errors='replace').count(_MEASURED) == models, 'the models are not measured')
        time.sleep(_SETTLES_S)
        memory, kinds = pss_mb(pid), Counter(process.name() for process in tree(pid)[1:])
        before_s = _cpu_s(pid)
        time.sleep(idle_s)
        idle_cpu_ms = 1000 * (_cpu_s(pid) - before_s) / idle_s
        added_s = _add(output, archive)
        time.sleep(_SETTLES_S)
        return Figures(ready_s, start_cpu_s, measured_s, memory, kinds, added_s,
                       pss_mb(pid) - memory, idle_cpu_ms)


@contextlib.contextmanager
def _served(models: int, archive: Path) -> Iterator[tuple[int, Path, float]]:
    with scratch() as folder, tempfile.NamedTemporaryFile() as printed:
        output = Path(printed.name)
        command = [sys.executable, '-m', 'mms', '--models',
                   *(f'model{number}={archive.resolve()}' for number in range(models)),
                   '--port', str(free_port()), '--management-port', str(free_port()),
                   '--log-file', '-']
        began = time.monotonic()
        with running(command, Path(folder), plain_environment(PYTHONPATH=str(REPO)),
                     output) as process:
            while _READY not in output.read_text(errors='replace'):
                if process.poll() is not None or time.monotonic() > began + _LONGEST_START_S:
                    raise BenchmarkError(f'the server does not start: {output.read_text()[-500:]}')
                time.sleep(_POLL_S)
            yield process.pid, output, time.monotonic() - began


def _add(output: Path, archive: Path) -> float:
    """Seconds until one more model answers."""
    told = _MANAGEMENT.search(output.read_text(errors='replace'))
    if told is None:
        raise BenchmarkError('the server has not told its management endpoint')
    endpoint, token_path = told.groups()
    wanted = urlencode({'url': str(archive.resolve()), 'model_name': _ONE_MORE,
                        'initial_workers': 1, 'synchronous': 'true'})
    request = Request(f'{endpoint}/models?{wanted}', method='POST', headers={
        'Authorization': f'Bearer {Path(token_path).read_text().strip()}'})
    began = time.monotonic()
    with urlopen(request, timeout=_LONGEST_START_S):
        return time.monotonic() - began


def _until(happened: Callable[[], bool], otherwise: str) -> float:
    """Seconds until it has."""
    began = time.monotonic()
    while not happened():
        if time.monotonic() > began + _LONGEST_START_S:
            raise BenchmarkError(otherwise)
        time.sleep(_POLL_S)
    return time.monotonic() - began


def _cpu_s(pid: int) -> float:
    """Processor time of all processes so far, those that have ended too."""
    total = 0.0
    for process in tree(pid):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


if __name__ == '__main__':
    sys.exit(main())
