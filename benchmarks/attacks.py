"""What clients that mean no good take from the others: /ping and a small prediction beside them.

::

    python benchmarks/attacks.py
    python benchmarks/attacks.py --only '1000 slow heads'

Each attack runs for some seconds on a server of its own. /ping is asked every 20 ms on a
connection that is kept, and a small prediction on another one, from another address than the
attack. The table is Markdown.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Optional

from attackers import (
    Attack,
    asked_for,
    attacking,
    dying_clients,
    endless_trailers,
    fresh_connections,
    large_heads,
    pipelined,
    requests_at_once,
    tiny_chunks,
    uploads,
)
from attackers_slow import (
    chunk_extensions,
    churn,
    flood,
    handshakes,
    idle,
    json_text,
    long_paths,
    many_headers,
    parts,
    slow_bodies,
    slow_heads,
    slow_readers,
)
from body import Body, urlencoded_body
from contenders.contender import Endpoint
from contenders.this_server import serve_alone
from models import BuiltModel, Model
from probe import Prober, percentile
from processes import BenchmarkError, end_on_sigterm, tree
from weightless import build_weightless

SERVICE = Path(__file__).resolve().parent / 'services' / 'talkative_service.py'
SIGNATURE = {
    'inputs': [{'data_name': 'data', 'data_shape': [2]}], 'input_type': 'application/json',
    'outputs': [{'data_name': 'answer', 'data_shape': [1]}], 'output_type': 'application/json',
}
# Whoever asks has another address than the attack.
OTHERS = '127.0.0.9'
NOTHING = 'nothing'
# A server answers again within so long, and is asked for so long.
WELL_S = 10
LOOK_S = 0.3
MODEL = Model('talkative', 'Answers as much as it is asked for', False, (1,))
ATTACKS: Mapping[str, Optional[Attack]] = MappingProxyType({
    NOTHING: None,
    'pipelined 404s': pipelined('/nothing'),
    'pipelined descriptions': pipelined('/api-description'),
    'pipelined health checks': pipelined('/ping'),
    'chunks of one byte': tiny_chunks,
    'endless trailers': endless_trailers,
    '50 heads of 6.3 MB': large_heads,
    '20 bodies of 60 MB': uploads(20, 60),
    '8 bodies of 60 MB': uploads(8, 60),
    '16 MB printed, no newline': asked_for('print', 16),
    'log records of 20 MB': asked_for('log', 20),
    'answers of 400 MB': asked_for('answer', 400),
    '8 answers of 20 MB': asked_for('answer', 20, 8),
    'fresh connections': fresh_connections,
    '1500 clients that die': dying_clients,
    '1500 requests at once': requests_at_once,
    '1000 slow heads': slow_heads,
    '500 slow bodies': slow_bodies,
    '50 slow readers': slow_readers,
    '2000 idle connections': idle(2000),
    '2000 idle, 1000 allowed': idle(2000),
    'connections come and go': churn,
    'requests of one client': flood('/api-description'),
    'the same, --rate-limit': flood('/api-description'),
    'heads of 10,000 lines': many_headers,
    'paths of 8 KB': long_paths,
    'extensions of chunks': chunk_extensions,
    '500,000 parts of a form': parts,
    'JSON of 1 M brackets': json_text(b'[' * 1_000_000),
    'a number of 10 M digits': json_text(b'[' + b'1' * 10_000_000 + b']'),
    'TLS hellos to plain HTTP': handshakes,
})


# What a server is started with, to be asked under an attack.
FLAGS: Mapping[str, str] = MappingProxyType({
    '2000 idle, 1000 allowed': '--max-connections 1000',
    'the same, --rate-limit': '--rate-limit 100/s',
})


class PredictionProber(Prober):
    """Asks for a small prediction instead."""

    def _ask(self) -> bool:
        with suppress(Exception):
            self._connection.request('POST', self._path, 'data=["answer", 0]',
                                     {'Content-Type': 'application/x-www-form-urlencoded'})
            answer = self._connection.getresponse()
            answer.read()
            return answer.status == 200
        self._connection.close()
        return False


class Result(NamedTuple):
    """What others saw under an attack.

    Attributes
    ----------
    ping_ms, small_ms
        Times of /ping and of a small prediction.
    errors
        How many of them had no good answer.
    front_mb, worker_mb
        Most memory that a process has had at a time.
    is_whole
        Whether the server answers both after it.
    """

    ping_ms: list[float]
    small_ms: list[float]
    errors: int
    front_mb: float
    worker_mb: float
    is_whole: bool

    def row(self, name: str, nothing: Result) -> str:
        """A line of the table; ratios are to those under nothing."""
        ping, small = percentile(self.ping_ms, 99), percentile(self.small_ms, 99)
        cells = [name, f'{percentile(self.ping_ms, 50):.1f}', f'{ping:.1f}',
                 f'{ping / percentile(nothing.ping_ms, 99):.1f}', f'{small:.1f}',
                 f'{small / percentile(nothing.small_ms, 99):.1f}', str(self.errors),
                 f'{self.front_mb:.0f}', f'{self.worker_mb:.0f}', 'yes' if self.is_whole else 'NO']
        return f"| {' | '.join(cells)} |"


HEADER = """| attack | `/ping` p50, ms | p99 | times that of nothing | small prediction p99, ms | \
times that of nothing | errors | front, MB | worker, MB | whole after it |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def main() -> int:
    """Print a table in Markdown, a line an attack."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--only', choices=list(ATTACKS), nargs='+', default=list(ATTACKS),
                        metavar='NAME', help='which, beside nothing (default: each)')
    parser.add_argument('--seconds', type=float, default=5, help='of each (default: 5)')
    parser.add_argument('--server-flags', default='', help='as one word after a =')
    options = parser.parse_args()
    end_on_sigterm()
    print(HEADER)
    nothing = None
    try:
        with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as scratch:
            body: Body = urlencoded_body('["answer", 0]', Path(scratch) / 'form')
            built = build_weightless(MODEL, SERVICE, SIGNATURE, body, Path(scratch))
            for name in dict.fromkeys([NOTHING, *options.only]):
                flags = f'{options.server_flags} {FLAGS.get(name, "")}'.strip()
                result = attack_and_look(name, built, options.seconds, flags)
                nothing = nothing or result
                print(result.row(name, nothing), flush=True)
    except BenchmarkError as error:
        print(f'attacks.py: {error}', file=sys.stderr)
        return 1
    return 0


def attack_and_look(name: str, built: BuiltModel, seconds: float, flags: str) -> Result:
    """What others see of one attack, and whether the server is whole after it."""
    attack = ATTACKS[name]
    with serve_alone(built, flags) as endpoint:
        with Prober(endpoint.port, endpoint.ping_path, OTHERS) as pings, \
                PredictionProber(endpoint.port, endpoint.predict_path, OTHERS) as predictions:
            if attack is None:
                time.sleep(seconds)
            else:
                with attacking(attack, endpoint):
                    time.sleep(seconds)
        is_whole = is_well(endpoint)
        peaks = [peak_mb(process.pid) for process in tree(endpoint.pid)]
    missing = [float('nan')]
    return Result(pings.times_ms or missing, predictions.times_ms or missing,
                  pings.errors + predictions.errors, peaks[0], max(peaks[1:], default=0), is_whole)


def is_well(endpoint: Endpoint) -> bool:
    """Whether a server answers again, soon."""
    end = time.monotonic() + WELL_S
    while time.monotonic() < end:
        with Prober(endpoint.port, endpoint.ping_path, OTHERS) as pings, \
                PredictionProber(endpoint.port, endpoint.predict_path, OTHERS) as predictions:
            time.sleep(LOOK_S)
        if pings.times_ms and predictions.times_ms and not pings.errors + predictions.errors:
            return True
    return False


def peak_mb(pid: int) -> float:
    """Most memory that a process has had at a time."""
    with suppress(OSError):
        for line in Path(f'/proc/{pid}/status').read_text().splitlines():
            if line.startswith('VmHWM:'):
                return int(line.split()[1]) * 1024 / 10**6
    return 0.0


if __name__ == '__main__':
    sys.exit(main())
