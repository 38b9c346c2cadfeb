"""How many workers a model gets, and on how many threads each of them computes: pure policy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Callable, NamedTuple, Optional

from mms.devices.device import GPU, Device, counted
from mms.runtime.resources import MEGABYTE, Resources

# Of the memory that is free, that much may go to workers.
_SHARE_OF_MEMORY = 0.5
# What a forked worker needs for itself: measured 40 to 60 MB (AlexNet) and up to 130 MB
# (mobile networks with many layers), and as much again for what batches need.
FORKED_WORKER_BYTES = 128 * MEGABYTE
# Nobody has fewer by a measurement: while one is replaced, another answers.
FEWEST_MEASURED = 2
# Workers that do this much of what they would do if they did not share the memory's bandwidth,
# the caches and the clock are as many as pay.
_SCALES = 0.8
# Two figures that differ by less are alike.
_ALIKE = 0.02


class PoolSize(NamedTuple):
    """The workers of a model.

    Attributes
    ----------
    workers
        How many answer at the same time under load.
    threads
        On how many threads each of them computes; 0 on a GPU.
    wider
        Larger numbers of threads, the smallest first, on which workers beside them compute while
        there are fewer requests than workers.
    why
        In words.
    """

    workers: int
    threads: int
    wider: tuple[int, ...]
    why: str

    @property
    def wide(self) -> int:
        """Threads of the worker beside the others that answers a lone request; 0 for none."""
        return self.wider[-1] if self.wider else 0

    def fitting(self, threads: int) -> int:
        """The number of threads nearest to `threads`, and not above, that its workers have."""
        return max((level for level in self.wider if level <= threads), default=self.threads)


def thread_counts(resources: Resources, asked: Optional[int]) -> list[int]:
    """Numbers of threads that a worker may compute on, the smallest first.

    All that it may have, half of them, a quarter ..., and the share of each worker where the user
    has said how many there are to be.
    """
    counts, most = {1, _share(resources, asked or resources.cores)}, resources.threads
    while most > 1:
        counts.add(most)
        most //= 2
    return sorted(counts)


def choose_size(asked: Optional[int], models: int, resources: Resources, worker_bytes: int,
                levels: Optional[Sequence[int]]) -> PoolSize:
    """The size of one model's pool on the CPU.

    Parameters
    ----------
    asked
        The number that the user gave; None for ``auto``.
    models
        How many models share the machine.
    worker_bytes
        Memory of one more worker.
    levels
        Numbers of threads that pay, 1 among them, of workers that are forked, so that one more of
        them costs little; None of workers that load the model themselves.
    """
    workers, why = (asked, 'as was asked for') if asked else _auto(
        models, resources, worker_bytes)
    return _size_of(workers, resources, levels, why)


def size_on(devices: Sequence[Device], models: int, resources: Resources) -> PoolSize:
    """The size of one model's pool on devices of one kind, a device for each worker."""
    why = f'on {counted(devices)}' if len(set(devices)) == len(devices) else counted(devices)
    if devices[0].kind == GPU:
        return PoolSize(len(devices), 0, (), why)
    return choose_size(len(devices), models, resources, 0, None)._replace(why=why)


def best_size(size: PoolSize, resources: Resources, levels: Sequence[int],
              requests_per_s: Callable[[PoolSize], float]) -> PoolSize:
    """Of a size, and of smaller ones on more threads, the smallest that does as much as any.

    Where each worker alone would keep the memory busy, half as many do as much.

    Parameters
    ----------
    size
        One worker a core, or what the memory has room for.
    requests_per_s
        What the workers of a size do when all of them compute at once; 0 where that cannot be
        measured.
    """
    best, best_per_s = size, requests_per_s(size)
    if not best_per_s:
        return size
    measured = [(best, best_per_s)]
    if best_per_s < _SCALES * size.workers * requests_per_s(size._replace(workers=1)):
        for smaller in _smaller(size, resources, levels):
            per_s = requests_per_s(smaller)
            if not per_s:
                return size
            measured.append((smaller, per_s))
            if per_s < best_per_s * (1 - _ALIKE):
                break
            best, best_per_s = smaller, max(per_s, best_per_s)
    figures = ', '.join(f'{one.workers} x {one.threads} {per_s:.0f}/s' for one, per_s in measured)
    return best._replace(why=f'{size.why}; measured {figures}')


def _smaller(size: PoolSize, resources: Resources, levels: Sequence[int]) -> Iterator[PoolSize]:
    workers = size.workers
    while workers > FEWEST_MEASURED:
        workers = max(FEWEST_MEASURED, math.ceil(workers / 2))
        yield _size_of(workers, resources, levels, size.why)


def _size_of(workers: int, resources: Resources, levels: Optional[Sequence[int]],
             why: str) -> PoolSize:
    share = _share(resources, workers)
    if levels is None:
        return PoolSize(workers, share, (), why)
    threads = max((level for level in levels if level <= share), default=1)
    return PoolSize(workers, threads, tuple(level for level in levels if level > threads), why)


def _share(resources: Resources, workers: int) -> int:
    return min(resources.threads, max(1, resources.cores // workers))


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
