"""LitServe, on FastAPI and uvicorn."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
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
    command = ('python lit_serve_app.py FOLDERS PORT W B: LitAPI(max_batch_size=B, '
               f'batch_timeout={BATCH_DELAY_MS / 1000}), LitServer(workers_per_device=W)')

    def __init__(self) -> None:
        self._environment: Optional[Environment] = None

    def prepare(self, cache: Path) -> None:
        """Install it."""
        self._environment = Environment(cache / f'litserve-{VERSION}', [
            [f'litserve=={VERSION}', 'python-multipart', *PEER_REQUIREMENTS]])
        self._environment.install()

    def settings(self, is_short: bool = False) -> list[Setting]:
        """Workers 1 and one a core, batches of 1 to 16."""
        return batch_settings(is_short)

    @contextlib.contextmanager
    def serve_all(self, models: Mapping[str, BuiltModel],
                  setting: Setting) -> Iterator[dict[str, Endpoint]]:
        """Start it with an API a model; its health endpoint waits for the workers."""
        assert self._environment is not None
        port = free_port()
        folders = {f'/{name}': str(built.graph) for name, built in models.items()}
        command = [str(self._environment.bin / 'python'), str(APP), json.dumps(folders), str(port),
                   str(setting.workers), str(setting.batch), str(BATCH_DELAY_MS / 1000)]
        # Any of the folders has the module that all import.
        environment = plain_environment(PYTHONPATH=next(iter(folders.values())),
                                        **setting.threads_environment())
        with scratch() as folder, started(command, Path(folder), environment, port,
                                          '/health') as process:
            yield {name: Endpoint(process.pid, port, f'/{name}', '/health') for name in models}
