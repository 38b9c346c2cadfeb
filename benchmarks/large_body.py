"""Health checks beside large requests: p99 of /ping while 20 MB tensors are posted.

::

    python benchmarks/large_body.py

One client posts a JSON tensor again and again, as a multipart field and then as an
urlencoded form, while /ping is asked every 20 ms. First comes a baseline without it.
"""

from __future__ import annotations

import argparse
import collections
import http.client
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

from body import Body, field_body, urlencoded_body
from contenders.contender import Endpoint
from contenders.this_server import serve_alone
from models import Model
from probe import Prober, percentile
from processes import BenchmarkError, end_on_sigterm
from weightless import build_weightless

SERVICE = Path(__file__).resolve().parent / 'services' / 'sum_service.py'
SIGNATURE = {
    'inputs': [{'data_name': 'data', 'data_shape': [0, 0]}], 'input_type': 'application/json',
    'outputs': [{'data_name': 'sum', 'data_shape': [1]}], 'output_type': 'application/json',
}
MODEL = Model('sum', 'The sum of a large tensor', False, (1,))
NUMBER = 0.125  # exact in float32, six characters with its comma
COLUMNS = 1000
TIMEOUT_S = 120


def main() -> int:
    """Print the baseline and one line a form."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--megabytes', type=int, default=20, help='of the tensor (default: 20)')
    parser.add_argument('--seconds', type=float, default=10, help='of each part (default: 10)')
    parser.add_argument('--server-flags', default='', help='as one word after a =')
    options = parser.parse_args()
    end_on_sigterm()
    try:
        with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as scratch:
            folder = Path(scratch)
            tensor = make_tensor(options.megabytes * 10**6)
            bodies = {'multipart field': field_body(tensor, folder / 'field'),
                      'urlencoded form': urlencoded_body(tensor, folder / 'form')}
            built = build_weightless(MODEL, SERVICE, SIGNATURE, bodies['multipart field'], folder)
            with serve_alone(built, options.server_flags) as endpoint:
                report('baseline', baseline(endpoint, options.seconds), {})
                for name, body in bodies.items():
                    report(name, *under_posts(endpoint, body, options.seconds))
    except BenchmarkError as error:
        print(f'large_body.py: {error}', file=sys.stderr)
        return 1
    return 0


def make_tensor(size_bytes: int) -> str:
    """Return a JSON matrix of about so many bytes."""
    row = [NUMBER] * COLUMNS
    text = json.dumps(row, separators=(',', ':'))
    return f'[{",".join([text] * max(1, size_bytes // (len(text) + 1)))}]'


def baseline(endpoint: Endpoint, seconds: float) -> Prober:
    """Ask /ping on an idle server."""
    with Prober(endpoint.port, endpoint.ping_path) as prober:
        time.sleep(seconds)
    return prober


def under_posts(endpoint: Endpoint, body: Body,
                seconds: float) -> tuple[Prober, dict[str, int]]:
    """Ask /ping while the body is posted; the answers' statuses are counted."""
    statuses: collections.Counter[str] = collections.Counter()
    is_over = threading.Event()
    poster = threading.Thread(target=_post_until, args=(endpoint, body, is_over, statuses),
                              daemon=True)
    with Prober(endpoint.port, endpoint.ping_path) as prober:
        poster.start()
        time.sleep(seconds)
        is_over.set()
        poster.join()
    return prober, statuses


def report(name: str, prober: Prober, statuses: dict[str, int]) -> None:
    """Print one line."""
    times = prober.times_ms or [float('nan')]
    answers = ', '.join(f'{count} x {status}' for status, count in statuses.items())
    print(f'{name:<16} /ping p50 {percentile(times, 50):7.2f} ms  p99 {percentile(times, 99):7.2f} '
          f'ms  longest {max(times):7.2f} ms  ({len(prober.times_ms)} probes, '
          f'{prober.errors} errors){f"; posts answered: {answers}" if answers else ""}')


def _post_until(endpoint: Endpoint, body: Body, is_over: threading.Event,
                statuses: collections.Counter[str]) -> None:
    content, headers = body.file.read_bytes(), {'Content-Type': body.content_type}
    connection = http.client.HTTPConnection('127.0.0.1', endpoint.port, timeout=TIMEOUT_S)
    while not is_over.is_set():
        try:
            connection.request('POST', endpoint.predict_path, content, headers)
            answer = connection.getresponse()
            answer.read()
            statuses[str(answer.status)] += 1
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            statuses[type(error).__name__] += 1
    connection.close()


if __name__ == '__main__':
    sys.exit(main())
