"""Replacements under load: failed requests, and latency before and during them.

::

    python benchmarks/replace_under_load.py

Clients post a small form all the time, each with a multipart boundary of its own: half of them on
one connection that they keep, half on a new one for each request. Meanwhile the model is replaced
again and again through the management port, by two archives in turn whose answers differ. A
request that is not answered 200, by one of the two, has failed; so has a replacement after which a
new request is answered by the old archive.
"""

from __future__ import annotations

import argparse
import collections
import http.client
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from client_threads import ClientThreads
from contenders.contender import Endpoint
from contenders.this_server import serve_alone
from models import BuiltModel
from probe import percentile
from processes import BenchmarkError, end_on_sigterm, free_port
from versions import NAME, build_versions

from mms.client.management_address import read_address
from mms.client.management_client import ManagementClient, ManagementError
from mms.runtime.token_file import read_token

TIMEOUT_S = 60
# A client that is refused comes again; at once would be an attack.
RETRY_S = 0.005
PERCENTS = (50, 95, 99)


class Reply(NamedTuple):
    """When a request was sent, what it took, and what came: a version, or what went wrong."""

    sent_s: float
    took_ms: float
    version: int
    fault: str


class Client:
    """One connection that is kept, or a new one for each request.

    Parameters
    ----------
    versions
        What is served in turn, all asked by the same requests.
    """

    def __init__(self, endpoint: Endpoint, versions: Sequence[BuiltModel], is_kept: bool) -> None:
        self._endpoint = endpoint
        self._is_kept = is_kept
        self._requests = versions[0].body.requests()
        self._versions = {json.dumps(built.answer): number
                          for number, built in enumerate(versions)}
        self._connection = http.client.HTTPConnection('127.0.0.1', endpoint.port,
                                                      timeout=TIMEOUT_S)

    def ask(self) -> Reply:
        """Post one request."""
        sent = time.monotonic()
        version, fault = -1, ''
        try:
            version = self._versions[self._post()]
        except (OSError, http.client.HTTPException) as error:
            fault = f'{type(error).__name__}: {error}'
        except KeyError as error:
            fault = f'answered {error}'
        if fault or not self._is_kept:
            self._connection.close()
        return Reply(sent, (time.monotonic() - sent) * 1000, version, fault)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self) -> str:
        """The prediction as JSON, or what was answered in its place."""
        content, content_type = next(self._requests)
        kept = 'keep-alive' if self._is_kept else 'close'
        self._connection.request('POST', self._endpoint.predict_path, content,
                                 {'Content-Type': content_type, 'Connection': kept})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status != http.client.OK:
            return f'{answer.status}: {text}'
        return json.dumps(json.loads(text)['prediction'])


class Load(ClientThreads):
    """Clients that post all the time, from entry to exit.

    Attributes
    ----------
    replies
        All that came.
    """

    def __init__(self, endpoint: Endpoint, versions: Sequence[BuiltModel], count: int) -> None:
        self.replies: list[Reply] = []
        super().__init__([partial(self._run, Client(endpoint, versions, number % 2 == 0))
                          for number in range(count)])

    def _run(self, client: Client) -> None:
        while not self.is_over.is_set():
            reply = client.ask()
            self.replies.append(reply)
            if reply.fault:
                time.sleep(RETRY_S)
        client.close()


class Replacements(NamedTuple):
    """When the replacements began and ended, how long each took, and which were none."""

    began_s: float
    ended_s: float
    took_s: list[float]
    faults: list[str]


def main() -> int:
    """Print the figures; the status is 1 where anything has failed."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--replacements', type=int, default=100, help='(default: 100)')
    parser.add_argument('--connections', type=int, default=16, help='(default: 16)')
    parser.add_argument('--seconds', type=float, default=5,
                        help='load before the first replacement (default: 5)')
    parser.add_argument('--server-flags', default='', help='as one word after a =')
    options = parser.parse_args()
    end_on_sigterm()
    try:
        with tempfile.TemporaryDirectory(prefix='mms-benchmarks-') as folder:
            versions = build_versions(Path(folder), 2)
            return run(versions, options)
    except (BenchmarkError, ManagementError) as error:
        print(f'replace_under_load.py: {error}', file=sys.stderr)
        return 1


def run(versions: Sequence[BuiltModel], options: argparse.Namespace) -> int:
    """Serve the first version, and replace it under load."""
    port = free_port()
    flags = f'--management-port {port} {options.server_flags}'
    with serve_alone(versions[0], flags) as endpoint:
        management = ManagementClient(read_address(f'127.0.0.1:{port}'), read_token(port))
        with Load(endpoint, versions, options.connections) as load:
            time.sleep(options.seconds)
            done = replace(management, endpoint, versions, options.replacements)
            time.sleep(min(1.0, options.seconds))
        management.close()
    return report(load.replies, done, versions)


def replace(management: ManagementClient, endpoint: Endpoint, versions: Sequence[BuiltModel],
            count: int) -> Replacements:
    """Replace the model so many times, by the versions in turn, and ask each once it serves."""
    faults, took = [], []
    asking = Client(endpoint, versions, is_kept=False)
    began = time.monotonic()
    for number in range(1, count + 1):
        version = number % len(versions)
        start = time.monotonic()
        management.replace(NAME, str(versions[version].archive))
        took.append(time.monotonic() - start)
        reply = asking.ask()
        if reply.version != version:
            faults.append(f'replacement {number}: {reply.fault or "answered by the old archive"}')
    return Replacements(began, time.monotonic(), took, faults)


def report(replies: Sequence[Reply], done: Replacements, versions: Sequence[BuiltModel]) -> int:
    """Print the figures; return the status."""
    failed = [reply for reply in replies if reply.fault]
    before = [reply for reply in replies if reply.sent_s < done.began_s]
    during = [reply for reply in replies if done.began_s <= reply.sent_s < done.ended_s]
    answered = collections.Counter(reply.version for reply in replies if not reply.fault)
    told = ', '.join(f'{answered[number]} by {built.archive.name}'
                     for number, built in enumerate(versions))
    print(f'{len(done.took_s)} replacements, {len(done.faults)} failed; each took '
          f'{percentile(done.took_s, 50):.2f} s, the longest {max(done.took_s):.2f} s')
    print(f'{len(replies)} requests, {len(failed)} failed; answered {told}')
    print(f'before {latencies(before)}')
    print(f'during {latencies(during)}')
    for fault in [*done.faults, *(reply.fault for reply in failed)][:10]:
        print(fault)
    return 1 if failed or done.faults else 0


def latencies(replies: Sequence[Reply]) -> str:
    """Percentiles and the longest, in milliseconds."""
    times = [reply.took_ms for reply in replies if not reply.fault] or [float('nan')]
    figures = '  '.join(f'p{percent} {percentile(times, percent):.1f} ms' for percent in PERCENTS)
    return f'{figures}  longest {max(times):.1f} ms  ({len(replies)} requests)'


if __name__ == '__main__':
    sys.exit(main())
