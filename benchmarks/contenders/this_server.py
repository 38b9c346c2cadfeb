"""The server of this repository."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Optional

from models import BuiltModel
from place import Place, anywhere
from processes import REPO, free_port, plain_environment

from contenders.contender import OUTPUT, Contender, Endpoint, Setting, scratch, started


class ThisServer(Contender):
    """``python -m mms``, with the flags of one ``--server-flags``."""

    def __init__(self, flags: str = '', place: Optional[Place] = None) -> None:
        self.name = 'this server'
        self.command = f'python -m mms --models NAME=NAME.model --port PORT {flags}'.rstrip()
        self._flags = flags
        self._place = place or anywhere()

    def settings(self) -> list[Setting]:
        """Return the one that the flags make."""
        return [Setting(flags=self._flags or 'default flags')]

    def suits(self, setting: Setting, connections: int) -> bool:
        """It serves any number of connections with the same flags."""
        del setting, connections
        return True

    @contextlib.contextmanager
    def serve(self, built: BuiltModel, setting: Setting) -> Iterator[Endpoint]:
        """Start it in a folder of its own."""
        del setting
        name, port = built.model.name, free_port()
        command = self._place.command([
            sys.executable, '-m', 'mms', '--models', f'{name}={built.archive}',
            '--port', str(port), *shlex.split(self._flags)])
        environment = plain_environment(PYTHONPATH=str(REPO), **self._place.variables)
        with scratch() as folder, started(command, Path(folder), environment, port,
                                          '/ping') as process:
            yield Endpoint(process.pid, port, f'/{name}/predict', '/ping', Path(folder) / OUTPUT)


def serve_alone(built: BuiltModel, flags: str = '',
                place: Optional[Place] = None) -> AbstractContextManager[Endpoint]:
    """This server with some flags, when there is nothing to compare it with."""
    server = ThisServer(flags, place)
    [setting] = server.settings()
    return server.serve(built, setting)
