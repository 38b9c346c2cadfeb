"""What a server needs to be, to be compared."""

from __future__ import annotations

import abc
import contextlib
import http.client
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from models import BuiltModel
from processes import BenchmarkError, cores, running

READY_S = 180
POLL_S = 0.05
# A lone request must not wait long for company; a full batch takes far longer to compute.
BATCH_DELAY_MS = 10
BATCHES = (1, 4, 8, 16)
LAST_LINES = 15
# What a server prints, in its folder.
OUTPUT = 'output.txt'


@dataclass(frozen=True)
class Setting:
    """Workers, batch size and MXNet engine of a server, or the flags that stand for them."""

    workers: int = 1
    batch: int = 1
    naive_engine: bool = False
    flags: str = ''

    def __str__(self) -> str:
        engine = ', naive engine' if self.naive_engine else ''
        return self.flags or f'{self.workers} x batch {self.batch}{engine}'

    def suits(self, connections: int) -> bool:
        """Whether so many connections can fill every worker's batch."""
        return self.workers * self.batch <= connections

    def threads_environment(self) -> dict[str, str]:
        """Divide the cores among the workers: one thread each, or every core for a lone one."""
        threads = cores() if self.workers == 1 else 1
        engine = {'MXNET_ENGINE_TYPE': 'NaiveEngine'} if self.naive_engine else {}
        return {'OMP_NUM_THREADS': str(threads), **engine}


# For a server beside which there is little time to choose, and for several models at once.
LEAN = Setting(1, 1, naive_engine=True)


def usual_setting(batch: int = 4) -> Setting:
    """Return a worker a core, each with one thread."""
    return Setting(cores(), batch, naive_engine=cores() > 1)


def batch_settings(is_short: bool = False) -> list[Setting]:
    """Return the settings that are tried of a server with workers and batches.

    Workers that share the machine want no engine threads beside their own; for a lone
    request, which engine is faster depends on the network, so both are tried. A short
    comparison takes the last that suits, of those that were the best most often.
    """
    if is_short:
        return [LEAN, usual_setting(1), usual_setting(4)]
    return [Setting(1, 1, naive_engine=True),
            *(Setting(workers, batch, naive_engine=workers > 1)
              for workers in sorted({1, cores()}) for batch in BATCHES)]


@dataclass(frozen=True)
class Endpoint:
    """A server that answers."""

    pid: int
    port: int
    predict_path: str
    ping_path: str
    output: Optional[Path] = None  # file of what it prints

    @property
    def url(self) -> str:
        """Where a body is posted to."""
        return f'http://127.0.0.1:{self.port}{self.predict_path}'


class Contender(abc.ABC):
    """A server under one name, at one setting or several of which the best counts."""

    name: str
    command: str  # what the report says it was started with

    def prepare(self, cache: Path) -> None:  # noqa: B027  (most need nothing)
        """Install what is missing."""

    @abc.abstractmethod
    def settings(self, is_short: bool = False) -> list[Setting]:
        """Return the settings to try; fewer for a short comparison."""

    def lean(self) -> Setting:
        """Return the setting that starts soonest: one worker a model."""
        return LEAN

    def mixed(self) -> Setting:
        """Return the setting for models that share the machine, and for loads not chosen for."""
        return usual_setting()

    def suits(self, setting: Setting, connections: int) -> bool:
        """Whether a setting is worth trying with so many connections."""
        return setting.suits(connections)

    @abc.abstractmethod
    def serve_all(self, models: Mapping[str, BuiltModel],
                  setting: Setting) -> AbstractContextManager[dict[str, Endpoint]]:
        """Start the server with models by their names, wait until it is ready, and stop it at
        the end; each model gets as many workers as the setting says.
        """

    @contextlib.contextmanager
    def serve(self, built: BuiltModel, setting: Setting) -> Iterator[Endpoint]:
        """The same with one model, at its best."""
        name = built.model.name
        with self.serve_all({name: built}, setting) as endpoints:
            self.await_measured(endpoints[name])
            yield endpoints[name]

    def await_measured(self, endpoint: Endpoint) -> None:  # noqa: B027  (most measure nothing)
        """Wait until it is at its best, which may be a while after it answers."""


@contextlib.contextmanager
def started(command: Sequence[str], folder: Path, environment: Mapping[str, str], port: int,
            ping_path: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in `folder` until the block ends; its health endpoint answers by then.

    Raises
    ------
    BenchmarkError
        It ended, or was not ready in time; with its last lines.
    """
    output = folder / OUTPUT
    with running(command, folder, environment, output) as process:
        end = time.monotonic() + READY_S
        while get_status(port, ping_path) != http.client.OK:
            if process.poll() is not None or time.monotonic() > end:
                lines = output.read_text(errors='replace').splitlines()[-LAST_LINES:]
                raise BenchmarkError('\n'.join(['the server did not get ready:', *lines]))
            time.sleep(POLL_S)
        yield process


def get_status(port: int, path: str, method: str = 'GET') -> Optional[int]:
    """Return the status that a path answers with; None where nothing answers."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=READY_S)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Return a folder for one server's files."""
    return tempfile.TemporaryDirectory(prefix='mms-benchmarks-')
