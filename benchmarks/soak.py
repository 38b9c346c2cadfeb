"""A long run of requests of all kinds: whether memory, descriptors, threads or dead processes stay.

::

    python benchmarks/soak.py --requests 200000

Kept and fresh connections post JSON and pictures; some ask for what is not there, send what is no
JSON or no HTTP, or leave in the middle; metrics and the management port are read. In the first half
of the run workers are killed and the model is replaced from time to time. The memory of each
process is its own (USS), and its slope leaves out the first quarter; that of the front's is over
all that follows, those of the template's and the workers', which are new after the last kill, over
the second half.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
from body import picture_body
from chaos_models import NAME, EchoModel
from contenders.contender import started
from models import Model
from picture import kitten_jpeg
from processes import REPO, free_port, plain_environment, tree
from scratch import in_scratch
from soak_clients import BRIGHTNESS, SoakClients
from soak_samples import FRONT, TEMPLATE, WORKER, ProcessSample, Samples, slope
from weightless import build_weightless

from mms.client.management_address import read_address
from mms.client.management_client import ManagementClient

SERVICE = Path(__file__).resolve().parent / 'services' / 'brightness_service.py'
SIGNATURE = {
    'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 32, 32]}], 'input_type': 'image/jpeg',
    'outputs': [{'data_name': 'out', 'data_shape': [0]}], 'output_type': 'application/json',
}
MODEL = Model(BRIGHTNESS, 'How bright a picture is', True, (1,))
TOKEN = 'of-this-benchmark-alone'
# What is there before the first request grows with it: so many are sent first.
WARM_UP_SHARE = 0.1
SAMPLES = 80
DISTURBANCES = 12
SETTLE_S = 30.0
# A line through noise has a slope: growth below so much is none.
NOISE_MB = 6.0
UNDISTURBED = 0.55
# gevent's pool of threads grows as it is used, to so many; descriptors of what ends go late.
MOST_POOL_THREADS = 10
SPARE_DESCRIPTORS = 3


class Still(NamedTuple):
    """What the front holds while nobody asks."""

    descriptors: int
    threads: int
    children: int


def main() -> int:
    """Print the summary; the status is 1 where something grows or stays."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--requests', type=int, default=200_000, help='(default: 200000)')
    parser.add_argument('--connections', type=int, default=8, help='(default: 8)')
    parser.add_argument('--seed', type=int, default=1, help='(default: 1)')
    parser.add_argument('--most-growth', type=float, default=5.0, metavar='MB',
                        help='of a process in 100,000 requests (default: 5)')
    options = parser.parse_args()
    return in_scratch(lambda folder: run(folder, options))


def run(folder: Path, options: argparse.Namespace) -> int:
    """Serve, ask, and report."""
    echo = EchoModel(folder, notes_runs=False)
    body = picture_body(kitten_jpeg(), folder / 'picture')
    brightness = build_weightless(MODEL, SERVICE, SIGNATURE, body, folder)
    port, management_port = free_port(), free_port()
    (folder / 'token').write_text(TOKEN)
    (folder / 'token').chmod(0o600)
    command = [sys.executable, '-m', 'mms', '--models', f'{NAME}={echo.archives[0]}',
               f'{BRIGHTNESS}={brightness.archive}', '--port', str(port), '--management-port',
               str(management_port), '--management-token', str(folder / 'token'), '--workers', '2']
    with started(command, folder, plain_environment(PYTHONPATH=str(REPO)), port,
                 '/ping') as process:
        management = ManagementClient(read_address(f'127.0.0.1:{management_port}'), TOKEN)
        disturbance = Disturbance(process.pid, management, echo, random.Random(options.seed))
        samples = Samples(process.pid)

        def clients(requests: int, seed: int) -> SoakClients:
            return SoakClients(port, management_port, TOKEN, (body.file.read_bytes(),
                               body.content_type), options.connections, requests, seed)

        with clients(int(options.requests * WARM_UP_SHARE), options.seed + 1) as first:
            disturbance.all_kinds()
            wait_for(first, lambda sent: None)
        before = settled(process.pid, lambda still: True)
        began = time.monotonic()
        with clients(options.requests, options.seed) as asking:
            watch(asking, options.requests, samples, disturbance)
        took_s = time.monotonic() - began
        after = settled(process.pid, lambda still: not grown(before, still))
        samples.take(options.requests)
        management.close()
    return report(asking, first.faults, samples, disturbance.done, (before, after), took_s, options)


class Disturbance:
    """Kills workers and replaces a model.

    Attributes
    ----------
    done
        What, and how often.
    """

    def __init__(self, pid: int, management: ManagementClient, echo: EchoModel,
                 chance: random.Random) -> None:
        self._pid, self._management, self._echo = pid, management, echo
        self._chance = chance
        self.done: Counter[str] = Counter()

    def all_kinds(self) -> None:
        """Each of them once."""
        self.kill()
        self.replace()

    def any(self) -> None:
        """One of them."""
        self._chance.choice([self.kill, self.replace])()

    def kill(self) -> None:
        """End a worker."""
        workers = [one for one in tree(self._pid) if _name(one) == 'mms-worker']
        if workers:
            with suppress(psutil.NoSuchProcess):
                self._chance.choice(workers).send_signal(signal.SIGKILL)
            self.done['workers killed'] += 1

    def replace(self) -> None:
        """Put the other version of a model in its place."""
        version = self.done['replacements'] % 2
        self._management.replace(NAME, str(self._echo.archives[1 - version]))
        self.done['replacements'] += 1


def watch(clients: SoakClients, requests: int, samples: Samples, disturbance: Disturbance) -> None:
    """Take samples and disturb the server while clients ask."""
    next_sample, next_disturbance = 0, 0

    def look(sent: int) -> None:
        nonlocal next_sample, next_disturbance
        if sent >= next_sample:
            samples.take(sent)
            next_sample = sent + requests // SAMPLES
        if next_disturbance <= sent < requests * UNDISTURBED - requests // 20:
            disturbance.any()
            next_disturbance = sent + int(requests * UNDISTURBED) // DISTURBANCES

    wait_for(clients, look)


def wait_for(clients: SoakClients, look: Callable[[int], None]) -> None:
    """Look again and again until the clients have sent all."""
    while not clients.is_done.wait(0.1):
        look(clients.sent)


def settled(pid: int, is_fine: Callable[[Still], bool]) -> Still:
    """What the front holds once nobody asks any more, and nothing of it changes."""
    ends = time.monotonic() + SETTLE_S
    seen: list[Still] = []
    while time.monotonic() < ends:
        time.sleep(0.3)
        seen = [*seen[-3:], still(pid)]
        if len(seen) == 4 and len(set(seen)) == 1 and is_fine(seen[-1]):
            break
    return seen[-1]


def still(pid: int) -> Still:
    """What the front holds now."""
    front = psutil.Process(pid)
    return Still(front.num_fds(), front.num_threads(), len(front.children(recursive=True)))


def grown(before: Still, after: Still) -> list[str]:
    """What the front has more of."""
    found = []
    if after.descriptors > before.descriptors + SPARE_DESCRIPTORS:
        found.append(f'the front has {after.descriptors} descriptors, {before.descriptors} before')
    if after.threads > before.threads + MOST_POOL_THREADS:
        found.append(f'the front has {after.threads} threads, {before.threads} before')
    if after.children > before.children:
        found.append(f'the front has {after.children} children, {before.children} before')
    return found


def report(clients: SoakClients, faults: list[str], samples: Samples, done: Counter[str],
           ends: tuple[Still, Still], took_s: float, options: argparse.Namespace) -> int:
    """Print what was seen; return the status."""
    before, after = ends
    wrong = [*faults, *clients.faults, *grown(before, after)]
    wrong += [f'{pid} is a zombie' for pid in samples.zombies]
    unexpected = len(faults) + len(clients.faults)
    print(f'{clients.sent} requests in {took_s:.0f} s, {unexpected} answered otherwise than '
          f'expected; {done["workers killed"]} workers killed, {done["replacements"]} replacements')
    print('| process | memory at the end | slope in 100,000 requests | descriptors | threads |\n'
          '| --- | --- | --- | --- | --- |')
    for kind, share in ((FRONT, 0.25), (TEMPLATE, UNDISTURBED), (WORKER, UNDISTURBED)):
        first = int(options.requests * share)
        for pid, series in samples.series(kind, first).items():
            # A process that was killed on the way says little.
            if series[-1].requests - series[0].requests < (options.requests - first) / 2:
                continue
            last = series[-1]
            growth = slope(series, _memory_mb)
            wrong += [f'{kind} {pid} {what}' for what in too_much(series, options.most_growth)]
            print(f'| {kind} {pid} | {last.memory_mb:.1f} MB | {growth * 100_000:+.2f} MB | '
                  f'{last.descriptors} | {last.threads} |')
    print(f'descriptors of the front {before.descriptors} before and {after.descriptors} after, '
          f'threads {before.threads} and {after.threads}, children {before.children} and '
          f'{after.children}; zombies {len(samples.zombies)}')
    for text, count in Counter(wrong).most_common(20):
        print(f'{text} ({count} times)' if count > 1 else text)
    return 1 if wrong else 0


def too_much(series: list[ProcessSample], most_mb: float) -> list[str]:
    """What of a process grows by more than noise."""
    memory = slope(series, _memory_mb)
    span = series[-1].requests - series[0].requests
    found = []
    if memory * 100_000 > most_mb and memory * span > NOISE_MB:
        found.append(f'grows by {memory * 100_000:.1f} MB in 100,000 requests')
    if series[0].kind != FRONT and series[-1].descriptors > series[0].descriptors:
        found.append(f'has {series[-1].descriptors} descriptors, {series[0].descriptors} before')
    return found


def _memory_mb(sample: ProcessSample) -> float:
    return sample.memory_mb


def _name(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return str(process.name())
    return ''


if __name__ == '__main__':
    sys.exit(main())
