"""Devices that models run on: what they are called, and what is said where one is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Optional

CPU, GPU = 'cpu', 'gpu'
# More than so many in a row are told by the first and the last.
_MOST_LISTED = 4


class Device(NamedTuple):
    """One device, ``mx.cpu(number)`` or ``mx.gpu(number)``; as text ``gpu:0``."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f'{self.kind}:{self.number}'


class VisibleGPUs(NamedTuple):
    """What MXNet sees of GPUs.

    Attributes
    ----------
    cuda
        Whether it is built for GPUs at all.
    gpus
        How many it sees; they are numbered from 0.
    failure
        Why it cannot say how many; an empty string when it can.
    visible
        ``CUDA_VISIBLE_DEVICES``; None where it is not set.
    unusable
        What is said of a GPU that was asked to compute, and did not; empty when all did.
    """

    cuda: bool = True
    gpus: int = 0
    failure: str = ''
    visible: Optional[str] = None
    unusable: str = ''


def refusal(said: str, numbers: Sequence[int], visible_gpus: VisibleGPUs) -> str:
    """Why some GPUs cannot be had, and how to mend it; an empty string when they can.

    Parameters
    ----------
    said
        What the user gave, such as ``--gpu 7``: the line begins with it.
    numbers
        The GPUs; none for any.
    """
    missing = [number for number in numbers if not 0 <= number < visible_gpus.gpus]
    if visible_gpus.gpus and not missing:
        return f'{said}: {visible_gpus.unusable}' if visible_gpus.unusable else ''
    if not visible_gpus.cuda:
        return (f'{said}: MXNet sees no GPU: it is built without CUDA. Install mxnet-cu112 or '
                f'mxnet-cu117 in its place, or leave out {said.split()[0]}')
    if visible_gpus.failure:
        return f'{said}: {_explained(visible_gpus.failure)}'
    if not visible_gpus.gpus:
        return f'{said}: MXNet sees no GPU: CUDA finds none{_limits(visible_gpus)}'
    return (f'{said}: there is no GPU {missing[0]}: MXNet sees {_listed(visible_gpus.gpus)}'
            f'{_limits(visible_gpus)}')


def counted(devices: Sequence[Device]) -> str:
    """Devices with how often each is there: ``cpu:0 and cpu:1``, ``2 on gpu:0, 1 on gpu:1``."""
    counts = Counter(devices)
    if max(counts.values()) == 1:
        return _joined([str(device) for device in counts])
    return ', '.join(f'{count} on {device}' for device, count in counts.items())


def _explained(failure: str) -> str:
    if 'libcuda.so' in failure or 'driver' in failure:
        return (f'MXNet sees no GPU: the CUDA driver is missing or too old ({failure}). Install '
                "NVIDIA's driver; a container has to be started with it")
    if 'cannot open shared object file' in failure:
        return (f'MXNet sees no GPU: a library of CUDA is missing ({failure}). Install it, or '
                'name its folder in LD_LIBRARY_PATH')
    return f'MXNet cannot reach any GPU ({failure})'


def _listed(count: int) -> str:
    if count > _MOST_LISTED:
        return f'{count} GPUs: 0 to {count - 1}'
    return f'{count} GPU{"s" * (count != 1)}: {_joined([str(number) for number in range(count)])}'


def _limits(visible_gpus: VisibleGPUs) -> str:
    visible = visible_gpus.visible
    return '' if visible is None else f' (CUDA_VISIBLE_DEVICES is {visible!r})'


def _joined(words: Sequence[str]) -> str:
    return ' and '.join([', '.join(words[:-1])] * (len(words) > 1) + [words[-1]])
