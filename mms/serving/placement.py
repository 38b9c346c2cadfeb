"""On which device each worker of each model runs: pure policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Optional

from mms.config.device_flags import Wanted
from mms.devices.device import GPU, Device, Sight, refusal
from mms.errors import UsageError


def devices_of(wanted: Wanted, sight: Sight) -> tuple[Device, ...]:
    """The devices that were asked for; none for the processors, shared by all workers.

    Raises
    ------
    UsageError
        MXNet does not see one of them.
    """
    reason = wanted.on_gpus and refusal(
        wanted.said, [device.number for device in wanted.devices], sight)
    if reason:
        raise UsageError(reason)
    if wanted.every_gpu:
        return tuple(Device(GPU, number) for number in range(sight.gpus))
    return wanted.devices


def lay_out(wanted: Mapping[str, Wanted], workers: Mapping[str, Optional[int]],
            sight: Sight) -> dict[str, tuple[Device, ...]]:
    """The device of each worker of each model, round robin.

    Models that name the same devices continue each other's round, so that two models of one
    worker each are on two devices.

    Parameters
    ----------
    wanted
        For each model, in the order of the command line.
    workers
        How many workers a model was given; None for one on each device.

    Raises
    ------
    UsageError
        MXNet does not see a device.
    """
    placed, rounds = {}, Counter[tuple[Device, ...]]()
    for name, wish in wanted.items():
        devices = devices_of(wish, sight)
        count = (workers.get(name) or len(devices)) if devices else 0
        placed[name] = tuple(devices[(rounds[devices] + worker) % len(devices)]
                             for worker in range(count))
        rounds[devices] += count
    return placed
