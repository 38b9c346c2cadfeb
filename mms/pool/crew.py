"""How many workers a model gets, and on how many threads each of them computes: pure policy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Optional

from mms.devices import GPU, Device, counted
from mms.resources import MEGABYTE, Resources

# Of the memory that is free, that much may go to workers.
_SHARE_OF_MEMORY = 0.5
# What a forked worker needs for itself: measured 40 to 60 MB (AlexNet) and up to 130 MB
# (mobile networks with many layers), and as much again for what batches need.
FORKED_WORKER_BYTES = 128 * MEGABYTE


class Crew(NamedTuple):
    """The workers of a model.

    Attributes
    ----------
    workers
        How many answer at the same time under load.
    threads
        On how many threads each of them computes.
    wide
        Threads of the one worker beside them that answers while no other request is there; 0 for
        none.
    why
        In words.
    """

    workers: int
    threads: int
    wide: int
    why: str


def choose_crew(asked: Optional[int], models: int, resources: Resources, worker_bytes: int,
                forked: bool) -> Crew:
    """The crew of one model on the CPU.

    Parameters
    ----------
    asked
        The number that the user gave; None for ``auto``.
    models
        How many models share the machine.
    worker_bytes
        Memory of one more worker.
    forked
        Whether workers are forked, so that one more of them costs little.
    """
    workers, why = (asked, 'as --workers says') if asked else _auto(
        models, resources, worker_bytes)
    threads = min(resources.threads, max(1, resources.cores // workers))
    wide = min(resources.threads, resources.cores)
    return Crew(workers, threads, wide if forked and wide > threads else 0, why)


def crew_on(devices: Sequence[Device], models: int, resources: Resources) -> Crew:
    """The crew of one model on devices of one kind, a device for each worker."""
    why = f'on {counted(devices)}' if len(set(devices)) == len(devices) else counted(devices)
    if devices[0].kind == GPU:
        return Crew(len(devices), 0, 0, why)
    return choose_crew(len(devices), models, resources, 0, forked=False)._replace(why=why)


def _auto(models: int, resources: Resources, worker_bytes: int) -> tuple[int, str]:
    cores, free = resources.cores, resources.free_bytes
    for_cores = min(cores, max(1, math.ceil(2 * cores / models)))
    for_memory = max(1, int(free * _SHARE_OF_MEMORY / models / max(1, worker_bytes)))
    workers = min(for_cores, for_memory)
    limit = ', which is the limit' if for_memory < for_cores else ''
    why = (f'{_count(cores, "core")}, {_count(models, "model")}, {free // MEGABYTE} MB free, '
           f'about {math.ceil(worker_bytes / MEGABYTE)} MB for each worker{limit}')
    return workers, why


def threads_for(peak: int, workers: int, resources: Resources) -> int:
    """Threads that one worker should compute on while `peak` requests come at the same time.

    Powers of two of workers share the cores: 1, 2, 4 ... up to `workers`.
    """
    busy = 1
    while busy < min(peak, workers):
        busy *= 2
    busy = min(busy, workers)
    return min(resources.threads, max(1, resources.cores // busy))


def _count(number: int, noun: str) -> str:
    return f'{number} {noun}' if number == 1 else f'{number} {noun}s'
