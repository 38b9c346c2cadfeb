"""Chaos under load, with every answer checked: requests that were lost, answered wrong, run twice.

::

    python benchmarks/chaos.py --seconds 60 --seed 1

Clients ask all the time, each request with a word of its own, which the answer has with its digest;
the service notes each word that it begins to run. Meanwhile workers and the template are killed
and stopped, the model is replaced and scaled, the server reads its files again, and the disk of its
log and temporary files is slow or full. The same seed makes the same choices.

A request is lost where its connection ends without an answer; wrong where the answer is another
one's, or where two come. It is doubled where it was run twice, although the first worker that had
it was not killed in between, or three times. A 500 is excused where two processes died while it
waited, and each that had begun the request is one of them; a 504 where a process was stopped, or
there was no template, while it waited.
"""

from __future__ import annotations

import argparse
import http.client
import random
import re
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from chaos_actions import Chaos
from chaos_checks import REQUEST_TIMEOUT_S, doubled, not_allowed, not_tried
from chaos_clients import Clients, Tally
from chaos_models import NAME, EchoModel, Run
from contenders.contender import started
from processes import REPO, free_port, plain_environment, tree
from scratch import in_scratch

from mms.client.management_address import read_address
from mms.client.management_client import ManagementClient

WORKERS = 3
# A disk that is slow or full stays so over some actions.
RECOVERS_SHARE = 0.4
TOKEN = 'of-this-benchmark-alone'
# A template that is stopped is waited for as long as 10 s before it is killed.
RECOVERY_S = 60
# In a line of the log.
SLOW_TURN = 'Nobody was served for'


def main() -> int:
    """Print the table; the status is 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--seconds', type=float, default=60, help='(default: 60)')
    parser.add_argument('--seed', type=int, default=1, help='(default: 1)')
    parser.add_argument('--connections', type=int, default=12, help='(default: 12)')
    parser.add_argument('--pause', type=float, default=0.5, metavar='SECONDS',
                        help='between two actions (default: 0.5)')
    parser.add_argument('--without', action='append', default=[], metavar='ACTION',
                        help='an action that is not taken; may be given again')
    options = parser.parse_args()
    return in_scratch(lambda folder: run(folder, options))


def run(folder: Path, options: argparse.Namespace) -> int:
    """Serve under chaos, and report."""
    disk = disk_of(folder)
    model = EchoModel(folder)
    port, management_port = free_port(), free_port()
    token_file = folder / 'token'
    token_file.write_text(TOKEN)
    token_file.chmod(0o600)
    command = [sys.executable, '-m', 'mms', '--models', f'{NAME}={model.archives[0]}',
               '--port', str(port), '--management-port', str(management_port), '--workers',
               str(WORKERS), '--request-timeout', str(REQUEST_TIMEOUT_S),
               '--management-token', str(token_file)]
    environment = plain_environment(PYTHONPATH=str(REPO), TMPDIR=str(folder / 'disk'),
                                    **disk.environment)
    with started(command, folder / 'disk', environment, port, '/ping') as process:
        management = ManagementClient(read_address(f'127.0.0.1:{management_port}'), TOKEN)
        chance = random.Random(options.seed)
        chaos = Chaos(process.pid, model, management, disk, chance)
        with Clients(port, options.connections, options.seed) as clients:
            wanted = [name for name in chaos.actions if name not in options.without]
            take_actions(chaos, wanted, chance, options)
            left = whole_again(chaos, port)
            for name in wanted:
                # There was nothing to take it on, or it was refused.
                if not chaos.done[name]:
                    chaos.take(name)
                    left = whole_again(chaos, port)
        management.close()
        blocks = loop_blocks(port)
    told = [line for line in (folder / 'disk' / 'mms_app.log').read_text().splitlines()
            if SLOW_TURN in line]
    print(*told, sep='\n', end='\n' * bool(told), file=sys.stderr)
    return report(clients.tally, chaos, wanted, model.runs(), [*left, *processes_left(folder)],
                  blocks)


def disk_of(folder: Path) -> Any:
    """The disk of the server's files, which can be slow or full."""
    sys.path.append(str(REPO / 'tests'))
    from disk_faults import Disk

    (folder / 'disk').mkdir()
    return Disk(folder / 'disk', folder / 'disk_state')


def take_actions(chaos: Chaos, names: Sequence[str], chance: random.Random,
                 options: argparse.Namespace) -> None:
    """One action after the other, each before one is taken again, and each once at least."""
    ends = time.monotonic() + options.seconds
    is_first_round = True
    while is_first_round or time.monotonic() < ends:
        for name in chance.sample(names, len(names)):
            if is_first_round or time.monotonic() < ends:
                chaos.take(name)
                time.sleep(options.pause * (0.5 + chance.random()))
                if chance.random() < RECOVERS_SHARE:
                    chaos.recover()
        is_first_round = False


def whole_again(chaos: Chaos, port: int) -> list[str]:
    """Wait until the server is whole again; what it is not after a while."""
    chaos.recover()
    # A template that is stopped is noticed when it is to fork.
    chaos.take('kill a worker')
    ends = time.monotonic() + RECOVERY_S
    while wrong_with(chaos, port) and time.monotonic() < ends:
        time.sleep(0.1)
    return wrong_with(chaos, port)


def wrong_with(chaos: Chaos, port: int) -> list[str]:
    """Processes that are stopped or dead, and what the health says."""
    found = []
    for process in tree(chaos.pid):
        with suppress(psutil.NoSuchProcess):
            if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_STOPPED):
                found.append(f'{process.name()} {process.pid} is {process.status()}')
    if len(chaos.templates()) != 1:
        found.append(f'there are {len(chaos.templates())} templates')
    status, text = get(port, '/health/ready')
    return found if status == http.client.OK else [*found, text]


def processes_left(folder: Path) -> list[str]:
    """Processes of the server that are there after its end."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get('DISK_STATE', '').startswith(str(folder)):
                found.append(f'{process.name()} {process.pid} is left')
    return found


def get(port: int, path: str) -> tuple[int, str]:
    """Status and text of what a path answers."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=RECOVERY_S)
    try:
        connection.request('GET', path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return 0, f'GET {path}: {error}'
    finally:
        connection.close()


def loop_blocks(port: int) -> str:
    """How often the loop of the front was blocked for longer than 50 ms, and the longest."""
    buckets = re.findall(r'^mms_event_loop_blocked_seconds_bucket\{le="(.*)"\} (.*)$',
                         get(port, '/metrics')[1], re.M)
    counts = {bound: int(float(count)) for bound, count in buckets}
    longer = counts['+Inf'] - counts['0.05']
    longest = next(bound for bound in counts if counts[bound] == counts['+Inf'])
    return f'{longer} of more than 50 ms; the longest up to {longest} s'


def report(tally: Tally, chaos: Chaos, wanted: Sequence[str], runs: Mapping[str, Sequence[Run]],
           left: Sequence[str], blocks: str) -> int:
    """Print the table; return the status."""
    twice = doubled(runs, chaos.blows)
    faults = [*tally.lost, *tally.wrong, *twice, *not_allowed(tally, runs, chaos.blows),
              *not_tried(tally, chaos.done, wanted), *chaos.failed, *left]
    again = sum(len(each) > 1 for each in runs.values())
    rows = [
        ('requests', tally.requests),
        *((f'answered {status}', count) for status, count in sorted(tally.statuses.items())),
        ('left by their clients', tally.left),
        ('lost', len(tally.lost)), ('wrong', len(tally.wrong)), ('doubled', len(twice)),
        ('run again after their worker was killed', again - len(twice)),
        ('longest answer', f'{tally.longest_s:.2f} s'),
        ('blocks of the event loop', blocks),
        *chaos.done.items(),
    ]
    print('| what | how many |\n| --- | --- |')
    for name, count in rows:
        print(f'| {name} | {count} |')
    for fault in faults[:20]:
        print(fault)
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
