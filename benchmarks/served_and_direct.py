"""How far are served answers from those of the same service without a server?

::

    python benchmarks/served_and_direct.py

For every archive of the repository: those that MMS 0.4 wrote, and those that the examples
build. Each is served with default flags and asked one request at a time, and then many at
once, so that batches form; a process of its own runs the service for each request alone.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests
from contenders.contender import scratch, started
from example_archives import Asked, Fields, example, example_names, fixtures
from processes import REPO, BenchmarkError, end_on_sigterm, free_port, plain_environment

DIRECT = Path(__file__).with_name('direct_answers.py')
AT_ONCE = 16
TIMEOUT_S = 120
LOADED = re.compile(r'Model model is loaded .*, ([^,]+)\.$', re.MULTILINE)
REFUSED = re.compile(r'Model model is served (one request at a time)')


def main() -> int:
    """Print one line an archive, and the largest difference of all."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--examples', nargs='*', choices=example_names(), default=example_names(),
                        metavar='NAME', help=f"default: all: {', '.join(example_names())}")
    parser.add_argument('--requests', type=int, default=64,
                        help=f'of each archive, {AT_ONCE} at once (default: 64)')
    options = parser.parse_args()
    end_on_sigterm()
    try:
        with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as folder:
            compared = [report(asked, options.requests) for asked in fixtures()]
            for name in options.examples:
                compared += [report(asked, options.requests)
                             for asked in example(name, Path(folder) / name)]
    except BenchmarkError as error:
        print(f'served_and_direct.py: {error}', file=sys.stderr)
        return 1
    print(f"{'all':<32}{max(compared):>12.3g}")
    return 0


def report(asked: Asked, count: int) -> float:
    """Compare the answers of one archive; print and return the largest difference."""
    found = direct(asked)
    # Pages show wrong requests too.
    right = [fields for fields, answer in zip(asked.requests, found) if answer]
    asked = Asked(asked.archive, right)
    wanted = [answer for [answer] in filter(None, found)]
    if not wanted:
        raise BenchmarkError(f'{asked.archive.name}: no curl line of the README is answered')
    served, how = answers(asked, count)
    try:
        largest = max(difference(one, wanted[index % len(wanted)])
                      for index, one in enumerate(served))
    except ValueError as error:
        raise BenchmarkError(f'{asked.archive.name}: {error}') from error
    print(f'{asked.archive.name:<32}{largest:>12.3g}   {len(served)} answers, {how}', flush=True)
    return largest


def direct(asked: Asked) -> list[Any]:
    """Return the answers of the service itself, each in a list; an empty one is a refusal."""
    plain = [{name: {'picture': str(value)} if isinstance(value, Path) else value
              for name, value in fields.items()} for fields in asked.requests]
    done = subprocess.run([sys.executable, str(DIRECT), str(asked.archive)], text=True, check=False,
                          input=json.dumps(plain), capture_output=True,
                          env=plain_environment(PYTHONPATH=str(REPO)))
    if done.returncode:
        raise BenchmarkError(f'{asked.archive.name} gives no answers:\n{done.stderr.strip()}')
    found: list[Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def answers(asked: Asked, count: int) -> tuple[list[Any], str]:
    """Return what the server answers, the requests in turn, and how many it runs together."""
    port = free_port()
    command = [sys.executable, '-m', 'mms', '--models', f'model={asked.archive}', '--port',
               str(port)]
    turns = [asked.requests[index % len(asked.requests)] for index in range(count)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(scratch()))
        stack.enter_context(started(command, folder, plain_environment(PYTHONPATH=str(REPO)), port,
                                    '/ping'))
        url = f'http://127.0.0.1:{port}/model/predict'
        found = [ask(url, fields) for fields in asked.requests]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found += pool.map(lambda fields: ask(url, fields), turns)
        return found, together((folder / 'mms_app.log').read_text('utf-8'))


def together(log: str) -> str:
    """Return what the log says last of the requests that run together."""
    [refused] = REFUSED.findall(log)[-1:] or LOADED.findall(log)[-1:] or ['']
    return str(refused)


def ask(url: str, fields: Fields) -> Any:
    """Return the prediction for one request."""
    parts = [(name, (value.name, value.read_bytes(), 'image/jpeg') if isinstance(value, Path)
              else (None, value)) for name, value in fields.items()]
    answer = requests.post(url, files=parts, timeout=TIMEOUT_S)
    if answer.status_code != requests.codes.ok:
        raise BenchmarkError(f'a request is answered {answer.status_code}: {answer.text}')
    return answer.json()['prediction']


def difference(one: Any, other: Any) -> float:
    """Return the largest difference between two numbers in the same place.

    Raises
    ------
    ValueError
        Something else differs.
    """
    one, other = value_of(one), value_of(other)
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return largest_in([(one[key], other[key]) for key in one])
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return largest_in(list(zip(one, other)))
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        if one == other or (math.isnan(one) and math.isnan(other)):
            return 0.0
        if not math.isnan(one - other):
            return abs(one - other)
    if one != other:
        raise ValueError(f'{one!r} is served, {other!r} is the direct answer')
    return 0.0


def largest_in(pairs: Sequence[tuple[Any, Any]]) -> float:
    """Return the largest difference of several pairs."""
    return max((difference(one, other) for one, other in pairs), default=0.0)


def value_of(value: Any) -> Any:
    """Return a text that is numbers, as MMS 0.4 answered with, as these."""
    if not isinstance(value, str) or value[:1] not in '-[0123456789ni':
        return value
    try:
        return json.loads(re.sub(r'\bnan\b', 'NaN', re.sub(r'\binf\b', 'Infinity', value)))
    except ValueError:
        return value


if __name__ == '__main__':
    sys.exit(main())
