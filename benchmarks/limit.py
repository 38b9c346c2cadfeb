"""The in-process limit: what the hooks alone do on every core, without a server."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from contenders.contender import Setting
from models import BuiltModel
from place import Place, anywhere
from probe import percentile
from processes import REPO, BenchmarkError, cores, plain_environment, pss_mb
from wrk import Load

WORKER = Path(__file__).with_name('limit_worker.py')
NAME = 'in process, no HTTP'
BATCH = 16
END_S = 60


@dataclass(frozen=True)
class Limit:
    """The load that a machine can bear, as if a server and its clients cost nothing."""

    setting: Setting
    load: Load
    memory_mb: float


def limit_settings(connections: int) -> tuple[Setting, ...]:
    """Return what may be the limit: every thread for a lone connection, else a process a core."""
    if connections == 1:
        return Setting(1, 1), Setting(1, 1, naive_engine=True)
    return (Setting(cores(), BATCH, naive_engine=cores() > 1),)


def measure_limit(built: BuiltModel, setting: Setting, seconds: int,
                  place: Optional[Place] = None) -> Limit:
    """Run the hooks; `p50_ms` and `p99_ms` are of whole batches.

    A `place` says on which cores, and with how many threads each.

    Raises
    ------
    BenchmarkError
        A process failed.
    """
    place = place or anywhere()
    command = place.command([sys.executable, str(WORKER), str(built.archive), str(built.raw),
                             str(setting.batch), str(seconds)])
    environment = plain_environment(**{
        'PYTHONPATH': str(REPO), **setting.threads_environment(), **place.variables})
    with tempfile.TemporaryFile('w+') as said:
        workers = [subprocess.Popen(command, env=environment, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=said, text=True)
                   for _ in range(setting.workers)]
        try:
            return _run(workers, setting)
        except (BenchmarkError, OSError) as error:
            said.seek(0)
            raise BenchmarkError(f'{NAME}: {error}\n{said.read()}') from error
        finally:
            for worker in workers:
                _end(worker)


def _run(workers: list[subprocess.Popen[str]], setting: Setting) -> Limit:
    for worker in workers:
        if _line(worker) != 'ready':
            raise BenchmarkError('the hooks do not run in a process of their own')
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write('\n')
        worker.stdin.flush()
    times: list[list[float]] = [json.loads(_line(worker) or '[]') for worker in workers]
    if not all(times):
        raise BenchmarkError('a process of the hooks ended early')
    # Each over its own time, which goes on to the end of its last batch.
    pictures_per_s = sum(len(own) * setting.batch / (sum(own) / 1000) for own in times)
    whole = [time for own in times for time in own]
    load = Load(pictures_per_s, percentile(whole, 50), percentile(whole, 99), 0, 0.0)
    return Limit(setting, load, sum(pss_mb(worker.pid) for worker in workers))


def _end(worker: subprocess.Popen[str]) -> None:
    """Close its input, which it takes for the end, so that it removes its own files."""
    try:
        worker.communicate(timeout=END_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.communicate()


def _line(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()
