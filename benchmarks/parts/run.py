"""What all parts of one comparison share: who takes part, with which models, for how long."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contenders.contender import Contender, Endpoint, Setting
from models import BuiltModel, Model, build_model
from processes import BenchmarkError
from wrk import run_wrk

# Between two servers: the last one's pages and sockets are given back. Between two loads: the
# requests that the last one left behind are computed.
SETTLE_S = 1


@dataclass(frozen=True)
class Lengths:
    """How long each load is, and how often what is no load is done."""

    load_s: int
    # Of a closed load, in which all are loaded by turns, and the pause before and after each.
    turns: int = 4
    between_s: float = 0.5
    warm_s: int = 2
    # A setting is chosen by so long a load.
    choosing_s: int = 3
    probed_s: int = 5
    tail_s: int = 60
    rounds: int = 3
    models: int = 20
    idle_s: int = 10  # long enough for what is done every few seconds
    # Rates of the open loop, of what the best of the others answers closed.
    shares: tuple[float, ...] = (0.5, 0.8)


@dataclass
class Run:
    """One comparison.

    Attributes
    ----------
    folder
        Where the models are built.
    chosen
        The setting of each model and contender that had most requests/s on most connections,
        and these, once they are known.
    """

    contenders: Sequence[Contender]
    lengths: Lengths
    folder: Path
    is_fixed: bool = False
    is_short: bool = False
    chosen: dict[tuple[str, str], tuple[Setting, float]] = field(default_factory=dict)
    _built: dict[str, BuiltModel] = field(default_factory=dict)

    def built(self, model: Model) -> BuiltModel:
        """Return a model as files; built when it is first asked for."""
        if model.name not in self._built:
            self._built[model.name] = build_model(model, self.folder / model.name, self.is_fixed)
        return self._built[model.name]

    def setting(self, model: Model, contender: Contender) -> Setting:
        """Return the chosen setting, or the usual one where none was chosen."""
        chosen = self.chosen.get((model.name, contender.name))
        return chosen[0] if chosen else contender.mixed()


def warm_up(endpoint: Endpoint, built: BuiltModel, connections: int, seconds: int) -> None:
    """Load it, and let it answer what is left: a slow one may not within the time."""
    if not seconds:
        return
    with contextlib.suppress(BenchmarkError):
        run_wrk(endpoint.url, built.body, connections, seconds)
    time.sleep(SETTLE_S)


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Say why a contender has no figures, and go on."""
    try:
        yield
    except BenchmarkError as error:
        print(f'{what}: {error}', file=sys.stderr)
    time.sleep(SETTLE_S)


def say(what: str) -> None:
    """Tell who waits what was found."""
    print(what, file=sys.stderr, flush=True)
