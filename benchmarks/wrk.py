"""One run of the load generator wrk."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from body import Body
from processes import BenchmarkError, cores

SCRIPT = Path(__file__).with_name('wrk.lua')
# Longer than any answer of a slow contender: wrk counts a later one as an error.
TIMEOUT_S = 60
# How long wrk may stay behind its own -d before it is taken for hung.
GRACE_S = 90


@dataclass(frozen=True)
class Load:
    """What wrk saw.

    `p50_ms` and `p99_ms` are of whole requests. `errors` are answers other than
    200 and errors of sockets. `cpu_share` is wrk's own time over that of all cores.
    """

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_share: float


def check_wrk() -> None:
    """Raise BenchmarkError where there is no wrk."""
    if shutil.which('wrk') is None:
        raise BenchmarkError('wrk, the load generator, is not installed '
                             '(on Debian and Ubuntu: apt-get install wrk)')


def run_wrk(url: str, body: Body, connections: int, seconds: int) -> Load:
    """Post `body` to `url` on so many connections, one request at a time on each.

    Raises
    ------
    BenchmarkError
        wrk failed, or not one answer was a 200.
    """
    command = ['wrk', '--threads', '1', '--connections', str(connections),
               '--duration', f'{seconds}s', '--timeout', f'{TIMEOUT_S}s',
               '--script', str(SCRIPT), url]
    environment = {**os.environ, 'CONTENT_TYPE': body.content_type,
                   'BODY_FILES': '\n'.join(map(str, body.sent)),
                   'FRESH_BOUNDARY': '' if body.is_fixed else body.boundary}
    before = _children_cpu_s()
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False,
                         timeout=seconds + GRACE_S)
    cpu_s = _children_cpu_s() - before
    lines = [line for line in run.stdout.splitlines() if line.startswith('JSON ')]
    if run.returncode or not lines:
        raise BenchmarkError(f'wrk failed: {run.stdout.strip()}')
    return _load(json.loads(lines[0][len('JSON '):]), cpu_s)


def _load(seen: dict[str, int], cpu_s: float) -> Load:
    seconds = seen['duration_us'] / 1e6
    good = seen['requests'] - seen['not_200']
    if good <= 0:
        raise BenchmarkError(f'no request of {seen["requests"]} was answered 200')
    return Load(good / seconds, seen['p50_us'] / 1000, seen['p99_us'] / 1000,
                seen['not_200'] + seen['socket_errors'], cpu_s / seconds / cores())


def _children_cpu_s() -> float:
    """CPU seconds of the children waited for so far; a server that still runs is not in it."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
