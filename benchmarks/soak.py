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
import http.client
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Set
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
from body import Body, picture_body
from chaos_models import NAME, EchoModel
from contenders.contender import started
from models import Model
from picture import kitten_jpeg, other_jpegs
from processes import REPO, BenchmarkError, free_port, plain_environment, tree
from scratch import in_scratch
from soak_clients import BRIGHTNESS, TIMEOUT_S, Picture, SoakClients, ask_picture
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
# A line through noise has a slope: in so few requests, growth below so much is none.
FEW_REQUESTS, NOISE_MB = 40_000, 6.0
# From so many requests on each kind of process has one that is measured.
MANY_REQUESTS = 10_000
# Of each of two models.
WORKERS, MODELS = 2, 2
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
    body = picture_body(kitten_jpeg(), folder / 'picture', other_jpegs()[:1])
    brightness = build_weightless(MODEL, SERVICE, SIGNATURE, body, folder)
    port, management_port = free_port(), free_port()
    (folder / 'token').write_text(TOKEN)
    (folder / 'token').chmod(0o600)
    command = [sys.executable, '-m', 'mms', '--models', f'{NAME}={echo.archives[0]}',
               f'{BRIGHTNESS}={brightness.archive}', '--port', str(port), '--management-port',
               str(management_port), '--management-token', str(folder / 'token'), '--workers',
               str(WORKERS)]
    with started(command, folder, plain_environment(PYTHONPATH=str(REPO)), port,
                 '/ping') as process:
        management = ManagementClient(read_address(f'127.0.0.1:{management_port}'), TOKEN)
        disturbance = Disturbance(process.pid, management, echo, random.Random(options.seed))
        samples = Samples(process.pid)
        pictures = answered_pictures(port, body)

        def clients(requests: int, seed: int) -> SoakClients:
            return SoakClients(port, management_port, TOKEN, pictures, options.connections,
                               requests, seed)

        with clients(int(options.requests * WARM_UP_SHARE), options.seed + 1) as first:
            disturbance.all_kinds()
            wait_for(first, lambda sent: None)
        before = settled(process.pid,
                         lambda still: len(workers(process.pid)) == MODELS * WORKERS)
        at_first = disturbance.done.copy()
        began = time.monotonic()
        with clients(options.requests, options.seed) as asking:
            watch(asking, options.requests, samples, disturbance)
        took_s = time.monotonic() - began
        after = settled(process.pid, lambda still: not grown(before, still))
        samples.take(options.requests)
        management.close()
    return report(asking, first.faults, samples, disturbance.done, (before, after), took_s, options,
                  most_new(disturbance.done - at_first))


def answered_pictures(port: int, body: Body) -> list[Picture]:
    """Pictures with the answer of a server that nobody else asks.

    Raises
    ------
    BenchmarkError
        They cannot be told from each other by it.
    """
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=TIMEOUT_S)
    contents = [file.read_bytes() for file in (body.file, *body.others)]
    answers = [ask_picture(connection, content, body.content_type) for content in contents]
    connection.close()
    if any(status != http.client.OK for status, _ in answers) or len(set(answers)) < len(answers):
        raise BenchmarkError(f'different pictures are answered {answers}')
    return [Picture(content, body.content_type, text)
            for content, (_, text) in zip(contents, answers)]


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
        found = workers(self._pid)
        if found:
            with suppress(psutil.NoSuchProcess):
                self._chance.choice(found).send_signal(signal.SIGKILL)
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


def workers(pid: int) -> list[psutil.Process]:
    """Those of all models."""
    return [one for one in tree(pid) if _name(one) == 'mms-worker']


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
           ends: tuple[Still, Still], took_s: float, options: argparse.Namespace,
           most_new_workers: int) -> int:
    """Print what was seen; return the status."""
    before, after = ends
    wrong = [*faults, *clients.faults, *grown(before, after)]
    wrong += [f'{pid} is a zombie' for pid in samples.zombies]
    unexpected = len(faults) + len(clients.faults)
    print(f'{clients.sent} requests in {took_s:.0f} s, {unexpected} answered otherwise than '
          f'expected; {done["workers killed"]} workers killed, {done["replacements"]} replacements')
    print('| process | memory at the end | slope in 100,000 requests | descriptors | threads |\n'
          '| --- | --- | --- | --- | --- |')
    measured = set()
    for kind, share in ((FRONT, 0.25), (TEMPLATE, UNDISTURBED), (WORKER, UNDISTURBED)):
        first = int(options.requests * share)
        for pid, series in samples.series(kind, first).items():
            # A process that was killed on the way says little.
            if series[-1].requests - series[0].requests < (options.requests - first) / 2:
                continue
            last = series[-1]
            measured.add(kind)
            growth = slope(series, _memory_mb)
            wrong += [f'{kind} {pid} {what}' for what in too_much(series, options.most_growth)]
            print(f'| {kind} {pid} | {last.memory_mb:.1f} MB | {growth * 100_000:+.2f} MB | '
                  f'{last.descriptors} | {last.threads} |')
    wrong += not_measured(measured, options.requests)
    wrong += too_many_new(samples, most_new_workers)
    print(f'descriptors of the front {before.descriptors} before and {after.descriptors} after, '
          f'threads {before.threads} and {after.threads}, children {before.children} and '
          f'{after.children}; zombies {len(samples.zombies)}; new workers '
          f'{len(samples.new(WORKER))}')
    for text, count in Counter(wrong).most_common(20):
        print(f'{text} ({count} times)' if count > 1 else text)
    return 1 if wrong else 0


def too_much(series: list[ProcessSample], most_mb: float) -> list[str]:
    """What of a process grows by more than noise."""
    memory = slope(series, _memory_mb)
    span = series[-1].requests - series[0].requests
    found = []
    noise_mb = NOISE_MB if span <= FEW_REQUESTS else 0
    if memory * 100_000 > most_mb and memory * span > noise_mb:
        found.append(f'grows by {memory * 100_000:.1f} MB in 100,000 requests')
    if series[0].kind != FRONT and series[-1].descriptors > series[0].descriptors:
        found.append(f'has {series[-1].descriptors} descriptors, {series[0].descriptors} before')
    return found


def not_measured(measured: Set[str], requests: int) -> list[str]:
    """Kinds of processes of which none was there for long in a run of many requests."""
    return [f'no {kind} was there for long' for kind in (FRONT, TEMPLATE, WORKER)
            if requests >= MANY_REQUESTS and kind not in measured]


def most_new(done: Counter[str]) -> int:
    """How many workers are started for those that were killed or replaced."""
    return done['workers killed'] + WORKERS * done['replacements']


def too_many_new(samples: Samples, most: int) -> list[str]:
    """Workers that came in the place of others that this run has not ended."""
    new = len(samples.new(WORKER))
    return [f'{new} workers are new, and {most} were killed or replaced'] if new > most else []


def _memory_mb(sample: ProcessSample) -> float:
    return sample.memory_mb


def _name(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return str(process.name())
    return ''


if __name__ == '__main__':
    sys.exit(main())
