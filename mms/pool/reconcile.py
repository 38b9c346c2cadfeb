"""What is to be done so that a model has the workers that it is to have: pure policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from mms.pool.worker import COMING, SERVING, WorkerKind, WorkerState


class WorkerView(Protocol):
    """What is looked at of a worker."""

    @property
    def kind(self) -> WorkerKind:
        """What it computes on."""

    @property
    def state(self) -> WorkerState:
        """Where it stands."""

    @property
    def since(self) -> float:
        """Since when, in monotonic seconds."""

    @property
    def is_to_be_replaced(self) -> bool:
        """Whether another one is to come in its place."""


W = TypeVar('W', bound=WorkerView)


@dataclass(frozen=True)
class DesiredState:
    """The workers that a model is to have.

    Attributes
    ----------
    kinds
        The kind of each.
    """

    kinds: tuple[WorkerKind, ...] = ()

    def count(self, kind: WorkerKind) -> int:
        """How many of a kind there are to be."""
        return self.kinds.count(kind)

    def plus(self, kind: WorkerKind) -> DesiredState:
        """One more."""
        return DesiredState((*self.kinds, kind))

    def minus(self, kind: WorkerKind) -> DesiredState:
        """One fewer, if there is to be one."""
        if kind not in self.kinds:
            return self
        place = self.kinds.index(kind)
        return DesiredState(self.kinds[:place] + self.kinds[place + 1:])


class Pause(NamedTuple):
    """One worker of a kind that is missing is not started before a time, in monotonic seconds."""

    kind: WorkerKind
    until: float


@dataclass(frozen=True)
class Actions(Generic[W]):
    """What is to be done now.

    Attributes
    ----------
    spawn
        The kind of each worker that is missing.
    replace
        The kind of each that is to come in the place of one that still serves.
    retire
        Workers that are to go: at once if they are idle, or else when they have answered.
    """

    spawn: tuple[WorkerKind, ...] = ()
    replace: tuple[WorkerKind, ...] = ()
    retire: tuple[W, ...] = ()


def reconcile(desired: DesiredState, workers: Sequence[W],
              pauses: Iterable[Pause] = ()) -> Actions[W]:
    """Compare the workers that there are to be with those that there are.

    Parameters
    ----------
    workers
        In any state.
    pauses
        Those that are not over.
    """
    paused = Counter(pause.kind for pause in pauses)
    spawn: list[WorkerKind] = []
    replace: list[WorkerKind] = []
    for kind, wanted in Counter(desired.kinds).items():
        alike = [worker for worker in workers if worker.kind == kind]
        serving, worn = len(_serving(alike)), len(_worn(alike))
        missing = max(0, wanted - serving + worn - _on_the_way(alike, kind) - paused[kind])
        in_place = min(missing, worn)
        spawn += [kind] * (missing - in_place)
        replace += [kind] * in_place
    return Actions(tuple(spawn), tuple(replace), tuple(_to_retire(desired, workers)))


def agree(desired: DesiredState, workers: Sequence[W]) -> bool:
    """Whether the workers are those that there are to be, ready and for long."""
    serving = _serving(workers)
    return len(serving) == len(workers) and not _worn(workers) and \
        Counter(worker.kind for worker in serving) == Counter(desired.kinds)


def _serving(workers: Iterable[W]) -> list[W]:
    return [worker for worker in workers
            if worker.state in SERVING]


def _worn(workers: Iterable[W]) -> list[W]:
    return [worker for worker in _serving(workers) if worker.is_to_be_replaced]


def _on_the_way(alike: Iterable[W], kind: WorkerKind) -> int:
    """Workers of a kind that are to come, and those whose place is not free yet: a device may not
    have room for one that goes and one that comes.
    """
    going = {WorkerState.RETIRING, WorkerState.CLOSING} if kind.device else set()
    return sum(worker.state in COMING | going for worker in alike)


def _to_retire(desired: DesiredState, workers: Sequence[W]) -> list[W]:
    """Those beyond the number of their kind: idle ones first, the longest idle before the others.

    One whose successor is there goes at once; of the others none that would leave fewer to serve
    than there are to be in all.
    """
    serving, left = _serving(workers), Counter(desired.kinds)
    fresh = Counter(worker.kind for worker in serving if not worker.is_to_be_replaced)
    relieved: list[W] = []
    beyond: list[W] = []
    for worker in sorted(serving, key=_leaves_last):
        if left[worker.kind]:
            left[worker.kind] -= 1
        elif worker.is_to_be_replaced and 0 < desired.count(worker.kind) <= fresh[worker.kind]:
            relieved.insert(0, worker)
        else:
            beyond.insert(0, worker)
    number = len(serving) - len(relieved) - len(desired.kinds)
    return relieved + beyond[:max(0, number)]


def _leaves_last(worker: WorkerView) -> tuple[bool, bool, float]:
    """A key by which those come first that are to stay."""
    return worker.is_to_be_replaced, worker.state is WorkerState.IDLE, -worker.since
