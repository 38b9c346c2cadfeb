"""What clients that mean no good take from the others: /ping and a small prediction beside them.

::

    python benchmarks/attacks.py

Each attack runs for some seconds on a server of its own. /ping is asked every 20 ms on a
connection that is kept, and a small prediction on another one. "Front" and "worker" are
the most memory that either has had, in MB.
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
from typing import Optional

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
from body import Body, urlencoded_body
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
MODEL = Model('talkative', 'Answers as much as it is asked for', False, (1,))
ATTACKS: Mapping[str, Optional[Attack]] = MappingProxyType({
    'nothing': None,
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


def main() -> int:
    """Print one line an attack."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--attack', choices=list(ATTACKS), nargs='+', default=list(ATTACKS),
                        help='which (default: each)')
    parser.add_argument('--seconds', type=float, default=6, help='of each (default: 6)')
    parser.add_argument('--server-flags', default='', help='as one word after a =')
    options = parser.parse_args()
    end_on_sigterm()
    print(f'{"attack":<26} {"/ping p50":>9} {"p99":>8} {"longest":>8}  {"small p99":>9} '
          f'{"errors":>6}  {"front":>6} {"worker":>6}')
    try:
        with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as scratch:
            body: Body = urlencoded_body('["answer", 0]', Path(scratch) / 'form')
            built = build_weightless(MODEL, SERVICE, SIGNATURE, body, Path(scratch))
            for name in options.attack:
                print(attack_and_look(name, built, options.seconds, options.server_flags),
                      flush=True)
    except BenchmarkError as error:
        print(f'attacks.py: {error}', file=sys.stderr)
        return 1
    return 0


def attack_and_look(name: str, built: BuiltModel, seconds: float, flags: str) -> str:
    """Return the line of one attack."""
    attack = ATTACKS[name]
    with serve_alone(built, flags) as endpoint:
        with Prober(endpoint.port, endpoint.ping_path) as pings, \
                PredictionProber(endpoint.port, endpoint.predict_path) as predictions:
            if attack is None:
                time.sleep(seconds)
            else:
                with attacking(attack, endpoint):
                    time.sleep(seconds)
        peaks = [peak_mb(process.pid) for process in tree(endpoint.pid)]
    times = pings.times_ms or [float('nan')]
    small = predictions.times_ms or [float('nan')]
    return (f'{name:<26} {percentile(times, 50):9.1f} {percentile(times, 99):8.1f} '
            f'{max(times):8.1f}  {percentile(small, 99):9.1f} '
            f'{pings.errors + predictions.errors:6}  {peaks[0]:6.0f} '
            f'{max(peaks[1:], default=0):6.0f}')


def peak_mb(pid: int) -> float:
    """Most memory that a process has had at a time."""
    with suppress(OSError):
        for line in Path(f'/proc/{pid}/status').read_text().splitlines():
            if line.startswith('VmHWM:'):
                return int(line.split()[1]) * 1024 / 10**6
    return 0.0


if __name__ == '__main__':
    sys.exit(main())
