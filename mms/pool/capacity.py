"""How many workers a model is to have, and on how many threads or which device each computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Callable, Optional

from mms.devices.device import Device
from mms.pool.reconcile import DesiredState
from mms.pool.settings import PoolSettings
from mms.pool.sizing import FEWEST_MEASURED, PoolSize, best_size
from mms.pool.worker import COMING, WorkerKind
from mms.pool.workers import Workers


class Capacity:
    """What one model's workers are to be, of what is asked for, measured, and seen of the load.

    It starts none of them, and ends none: it says which there are to be.

    Parameters
    ----------
    settings
        What the user wants of them at first.
    """

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._size = PoolSize(1, 1, (), '')
        self._has_wider = True

    @property
    def size(self) -> PoolSize:
        """How many workers there are to be, and why."""
        return self._size

    @property
    def asked(self) -> Optional[int]:
        """How many the user wants, at most where the load decides; None to choose."""
        return self._settings.workers

    @property
    def on_devices(self) -> bool:
        """Whether each worker has a device of its own."""
        return bool(self._settings.devices)

    @property
    def bounds(self) -> Optional[tuple[int, int]]:
        """The fewest and the most workers, where the load decides; None where it does not."""
        settings = self._settings
        if settings.fewest_workers is None or settings.workers is None:
            return None
        return settings.fewest_workers, settings.workers

    @property
    def may_settle(self) -> bool:
        """Whether nobody has said how many workers there are to be, and fewer may pay."""
        return not (self.asked or self.on_devices) and self._size.workers > FEWEST_MEASURED

    @property
    def kinds(self) -> tuple[WorkerKind, ...]:
        """The kind of each worker that answers under load."""
        return self._kinds(self._size)

    def desired(self, before: DesiredState, size: Optional[PoolSize] = None) -> DesiredState:
        """The workers of a size, the one for a lone request, and those for a load between.

        Parameters
        ----------
        before
            The workers that there were to be so far.
        size
            None for the size that they are to have.
        """
        size = size or self._size
        wide = (WorkerKind(size.wide),) if size.wide else ()
        between = [kind for kind in before.kinds
                   if not kind.permanent and kind.threads in size.wider]
        return DesiredState((*self._kinds(size), *wide, *between))

    def take(self, most: PoolSize, workers: int = 0) -> None:
        """Have a size that was chosen; where the load decides, as near to `workers` as it may."""
        self._size = self._within(most if self._has_wider else most._replace(wider=()), workers)

    def scale(self, most: PoolSize, workers: Optional[int], devices: Sequence[Device],
              fewest: Optional[int]) -> None:
        """Be asked for another number of workers, and have the size that was chosen for it.

        Parameters
        ----------
        workers
            How many answer at the same time; None to choose.
        devices
            The device of each worker, of a model that is on devices.
        fewest
            Where the load decides, `workers` are the most, and these the fewest.
        """
        self._settings = replace(self._settings, workers=workers, devices=tuple(devices),
                                 fewest_workers=fewest)
        self.take(most, self._size.workers)

    def resize(self, workers: int) -> None:
        """Have another number of workers, on as many threads as before."""
        self._size = self._size._replace(workers=workers)

    def nearest(self, workers: int) -> Optional[int]:
        """The number nearest to `workers` within the bounds; None where there are no bounds."""
        if self.bounds is None:
            return None
        fewest, most = self.bounds
        return max(fewest, min(most, workers))

    def settle(self, levels: Sequence[int], requests_per_s: Callable[[PoolSize], float]) -> None:
        """Have as few workers as do as much as any; see :func:`mms.pool.sizing.best_size`."""
        self._size = best_size(self._size, self._settings.resources, levels, requests_per_s)

    def do_without_wider(self) -> None:
        """Have no workers on more threads from now on, where these do not start."""
        self._has_wider = False
        self._size = self._size._replace(wider=())

    def has_room_for(self, kind: WorkerKind, workers: Workers, desired: DesiredState) -> bool:
        """Whether one more may come for a load between one request and a full house.

        Parameters
        ----------
        kind
            What it would compute on; not `permanent`.
        workers, desired
            Those that there are, and that there are to be.
        """
        most = max(1, self._settings.resources.cores // kind.threads)
        here = len(workers.on_threads(kind.threads))
        return here < min(most, self._size.workers) and not _is_widening(workers, desired)

    def _kinds(self, size: PoolSize) -> tuple[WorkerKind, ...]:
        devices = self._settings.devices or (None,) * size.workers
        return tuple(WorkerKind(size.threads, device) for device in devices[:size.workers])

    def _within(self, most: PoolSize, workers: int) -> PoolSize:
        """A size as near to `workers` as the bounds allow; `most` itself where there are none.

        Its workers compute on as many threads as the most would: none is started anew when there
        are more or fewer of them.
        """
        fewest = self._settings.fewest_workers
        if fewest is None:
            return most
        return most._replace(workers=max(fewest, min(workers, most.workers)),
                             why=f'{fewest} to {most.workers}, as the load asks for')


def _is_widening(workers: Workers, desired: DesiredState) -> bool:
    """Whether one for a load between is on its way."""
    temporary = [worker for worker in workers.all if not worker.kind.permanent]
    wanted = sum(not kind.permanent for kind in desired.kinds)
    return wanted > len(temporary) or any(worker.state in COMING for worker in temporary)
