"""The server of this repository."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Optional

from measured import await_measured
from models import BuiltModel
from place import Place, anywhere
from processes import REPO, free_port, plain_environment

from contenders.contender import OUTPUT, Contender, Endpoint, Setting, scratch, started

# What it is called in tables.
THIS = 'this server'
BEFORE, AGAIN = f'{THIS}, before', f'{THIS}, started again'


class ThisServer(Contender):
    """``python -m mms``, with the flags of one ``--server-flags``.

    With a `cache`, what is measured at one start is known at the next; without, each start
    has an empty one. Another `checkout` is served with the packages of this one.
    """

    def __init__(self, flags: str = '', place: Optional[Place] = None,
                 cache: Optional[Path] = None, name: str = THIS, checkout: Path = REPO) -> None:
        self.name = name
        self.command = f'python -m mms --models NAME=NAME.model --port PORT {flags}'.rstrip()
        self._flags = flags
        self._place = place or anywhere()
        self._cache = cache
        self._checkout = checkout

    def again(self, cache: Path) -> ThisServer:
        """Return the same one, started with what an earlier start has left in `cache`."""
        return ThisServer(self._flags, self._place, cache, AGAIN, self._checkout)

    def settings(self, is_short: bool = False) -> list[Setting]:
        """Return the one that the flags make."""
        del is_short
        return [self.lean()]

    def lean(self) -> Setting:
        """The same."""
        return Setting(flags=self._flags or 'default flags')

    def mixed(self) -> Setting:
        """The same."""
        return self.lean()

    def suits(self, setting: Setting, connections: int) -> bool:
        """It serves any number of connections with the same flags."""
        del setting, connections
        return True

    @contextlib.contextmanager
    def serve_all(self, models: Mapping[str, BuiltModel],
                  setting: Setting) -> Iterator[dict[str, Endpoint]]:
        """Start it in a folder of its own."""
        del setting
        port = free_port()
        command = self._place.command([
            sys.executable, '-m', 'mms', '--port', str(port), *shlex.split(self._flags),
            '--models', *(f'{name}={built.archive}' for name, built in models.items())])
        with scratch() as name:
            folder = Path(name)
            environment = plain_environment(
                PYTHONPATH=str(self._checkout), XDG_CACHE_HOME=str(self._cache or folder / 'cache'),
                **self._place.variables)
            with started(command, folder, environment, port, '/ping') as process:
                yield {name: Endpoint(process.pid, port, f'/{name}/predict', '/ping',
                                      folder / OUTPUT) for name in models}

    def await_measured(self, endpoint: Endpoint) -> None:
        """Wait until it knows what pays; it answers before."""
        assert endpoint.output is not None
        await_measured(endpoint.output)


def serve_alone(built: BuiltModel, flags: str = '',
                place: Optional[Place] = None) -> AbstractContextManager[Endpoint]:
    """This server with some flags, when there is nothing to compare it with."""
    server = ThisServer(flags, place)
    [setting] = server.settings()
    return server.serve(built, setting)
