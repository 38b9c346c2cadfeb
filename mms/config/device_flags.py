"""The flags ``--gpu`` and ``--device``: where the workers of which model are to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mms.config.per_model import EachModel, PerModel, whose
from mms.config.source import Source
from mms.devices.device import CPU, GPU, Device
from mms.errors import UsageError

ALL = 'all'
_HIGHEST = 1023


class Wanted(NamedTuple):
    """Where the workers of a model are to run.

    Attributes
    ----------
    said
        The flag, or where else it comes from, and its word, for messages; empty when nothing was
        said.
    devices
        In the order given; none for the processors, shared by all workers.
    every_gpu
        Each GPU that there is, in place of `devices`.
    """

    said: str = ''
    devices: tuple[Device, ...] = ()
    every_gpu: bool = False

    @property
    def on_gpus(self) -> bool:
        """Whether MXNet has to see GPUs for it."""
        return self.every_gpu or any(device.kind == GPU for device in self.devices)


ANYWHERE = Wanted()


def gpus() -> EachModel[Wanted]:
    """``--gpu``: numbers of GPUs, or all of them."""
    return _devices_each(
        "a list of GPUs: their numbers from 0, with commas between them ('0,1'), or all", _gpus)


def devices() -> EachModel[Wanted]:
    """``--device``: devices by kind and number."""
    return _devices_each(
        "a list of devices: cpu, or cpu:N or gpu:N with commas between them ('cpu:0,cpu:1')",
        _devices)


def _devices_each(domain: str, listed: Callable[[str], Wanted]) -> EachModel[Wanted]:
    def one(text: str, source: str, word: str) -> Wanted:
        try:
            wanted = listed(text.strip())
        except ValueError as error:
            raise UsageError(f'{source} {word!r} {error}') from None
        _check_once(wanted.devices, source, word)
        return wanted._replace(said=f'{source} {word}')

    return EachModel(domain, one, ANYWHERE, lambda wanted: f'devices from {wanted.said}',
                     takes_lists=True)


def _check_once(listed: tuple[Device, ...], source: str, word: str) -> None:
    for index, device in enumerate(listed):
        if device in listed[:index]:
            raise UsageError(f'{source} {word!r} names {device} twice: --workers says how many '
                             'workers share the devices')


def stronger(gpu: PerModel[Wanted], device: PerModel[Wanted], gpu_from: Source,
             device_from: Source) -> tuple[PerModel[Wanted], PerModel[Wanted]]:
    """Both without what the other says of the same models, from a stronger source.

    Raises
    ------
    UsageError
        One source says both of one model.
    """
    both = [name for name in ('', *device.named) if _said(gpu, name) and _said(device, name)]
    if both and gpu_from.kind == device_from.kind:
        word = _said(device, both[0])[len(device_from.name) + 1:]
        raise UsageError(f'{device_from.name} {word!r}: {whose(both[0])} '
                         f'has its devices from {_said(gpu, both[0])} already')
    if gpu_from.kind < device_from.kind:
        return gpu, _without(device, both)
    return _without(gpu, both), device


def _said(devices: PerModel[Wanted], name: str) -> str:
    wanted = devices.named.get(name) if name else devices.common
    return wanted.said if wanted else ''


def _without(devices: PerModel[Wanted], names: list[str]) -> PerModel[Wanted]:
    return PerModel(ANYWHERE if '' in names else devices.common,
                    {name: one for name, one in devices.named.items() if name not in names})


def _gpus(listed: str) -> Wanted:
    if listed == ALL:
        return Wanted(every_gpu=True)
    if not all(map(_is_number, listed.split(','))):
        raise ValueError('is no list of GPUs: give their numbers from 0, with commas between '
                         "them ('0,1'), or all")
    return Wanted(devices=tuple(Device(GPU, int(number)) for number in listed.split(',')))


def _devices(listed: str) -> Wanted:
    if listed == CPU:
        return Wanted()
    parts = [word.strip().partition(':') for word in listed.split(',')]
    if not all(kind in (CPU, GPU) and _is_number(number) for kind, _, number in parts):
        raise ValueError("is no list of devices: give cpu, or cpu:N or gpu:N with commas between "
                         "them ('cpu:0,cpu:1')")
    if len({kind for kind, _, _ in parts}) > 1:
        raise ValueError('has both kinds of devices: those of one model are of one kind')
    return Wanted(devices=tuple(Device(kind, int(number)) for kind, _, number in parts))


def _is_number(word: str) -> bool:
    word = word.strip()
    return word.isascii() and word.isdecimal() and int(word) <= _HIGHEST
