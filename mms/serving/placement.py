"""On which device each worker of each model runs: taken and given back model by model."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple, Optional

from mms.config.device_flags import Wanted
from mms.devices.device import GPU, Device, VisibleGPUs, refusal
from mms.errors import UsageError


class Place(NamedTuple):
    """What a model has.

    Attributes
    ----------
    choice
        The devices that it may have.
    taken
        That of each of its workers.
    """

    choice: tuple[Device, ...]
    taken: tuple[Device, ...]


class Placement:
    """Devices of a machine, and who has them.

    Models that name the same devices share them evenly, so that two models of one worker each
    are on two devices.

    Parameters
    ----------
    visible_gpus
        What MXNet sees of GPUs; of no matter where none is wanted.
    """

    def __init__(self, visible_gpus: VisibleGPUs) -> None:
        self._visible_gpus = visible_gpus
        self._places: dict[str, Place] = {}

    @property
    def models(self) -> int:
        """How many models share the machine."""
        return len(self._places)

    def take(self, model: str, wanted: Wanted, workers: Optional[int]) -> tuple[Device, ...]:
        """The device of each worker of a model, which gives back what it had.

        Parameters
        ----------
        workers
            How many there are to be; None for one on each device.

        Raises
        ------
        UsageError
            MXNet does not see a device. The model has what it had.
        """
        choice = devices_of(wanted, self._visible_gpus)
        self.give_back(model)
        taken = _spread(choice, (workers or len(choice)) if choice else 0, self._load_of(choice))
        self._places[model] = Place(choice, taken)
        return taken

    def of(self, model: str) -> Optional[Place]:
        """What a model has; None where it has no place."""
        return self._places.get(model)

    def put_back(self, model: str, place: Optional[Place]) -> None:
        """A model has what it had before, whatever others have taken meanwhile."""
        self.give_back(model)
        if place is not None:
            self._places[model] = place

    def give_back(self, model: str) -> None:
        """A model needs its devices no more; nothing where it has none."""
        self._places.pop(model, None)

    def _load_of(self, choice: tuple[Device, ...]) -> Counter[Device]:
        """Workers on each device, of the models that chose among the same ones."""
        return Counter(device for place in self._places.values() if place.choice == choice
                       for device in place.taken)


def devices_of(wanted: Wanted, visible_gpus: VisibleGPUs) -> tuple[Device, ...]:
    """The devices that were asked for; none for the processors, shared by all workers.

    Raises
    ------
    UsageError
        MXNet does not see one of them.
    """
    reason = wanted.on_gpus and refusal(
        wanted.said, [device.number for device in wanted.devices], visible_gpus)
    if reason:
        raise UsageError(reason)
    if wanted.every_gpu:
        return tuple(Device(GPU, number) for number in range(visible_gpus.gpus))
    return wanted.devices


def _spread(choice: tuple[Device, ...], workers: int,
            load: Counter[Device]) -> tuple[Device, ...]:
    """Each worker on the device that has the fewest, the first of several."""
    taken = []
    for _ in range(workers):
        device = min(choice, key=load.__getitem__)
        load[device] += 1
        taken.append(device)
    return tuple(taken)
