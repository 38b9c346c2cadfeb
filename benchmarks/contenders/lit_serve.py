"""LitServe, on FastAPI and uvicorn."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from environments import PEER_REQUIREMENTS, Environment
from models import BuiltModel
from processes import free_port, plain_environment

from contenders.contender import (
    BATCH_DELAY_MS,
    Contender,
    Endpoint,
    Setting,
    batch_settings,
    scratch,
    started,
)

APP = Path(__file__).resolve().parent.parent / 'peers' / 'lit_serve_app.py'
VERSION = '0.2.19'


class LitServe(Contender):
    """A LitAPI with batches, and workers per device."""

    name = f'LitServe {VERSION}'
    command = ('python lit_serve_app.py FOLDER PORT W B: LitAPI(max_batch_size=B, '
               f'batch_timeout={BATCH_DELAY_MS / 1000}), LitServer(workers_per_device=W)')

    def __init__(self) -> None:
        self._environment: Optional[Environment] = None

    def prepare(self, cache: Path) -> None:
        """Install it."""
        self._environment = Environment(cache / f'litserve-{VERSION}', [
            [f'litserve=={VERSION}', 'python-multipart', *PEER_REQUIREMENTS]])
        self._environment.install()

    def settings(self) -> list[Setting]:
        """Workers 1 and one a core, batches of 1 to 16."""
        return batch_settings()

    @contextlib.contextmanager
    def serve(self, built: BuiltModel, setting: Setting) -> Iterator[Endpoint]:
        """Start it; its health endpoint waits for the workers."""
        assert self._environment is not None
        port = free_port()
        command = [str(self._environment.bin / 'python'), str(APP), str(built.graph), str(port),
                   str(setting.workers), str(setting.batch), str(BATCH_DELAY_MS / 1000)]
        environment = plain_environment(PYTHONPATH=str(built.graph),
                                        **setting.threads_environment())
        with scratch() as folder, started(command, Path(folder), environment, port,
                                          '/health') as process:
            yield Endpoint(process.pid, port, '/predict', '/health')
