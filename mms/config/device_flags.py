"""The flags ``--gpu`` and ``--device``: where the workers of which model are to run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from mms.devices.device import CPU, GPU, Device
from mms.errors import UsageError

ALL = 'all'
_HIGHEST = 1023


class Wanted(NamedTuple):
    """Where the workers of a model are to run.

    Attributes
    ----------
    said
        The flag and its word, for messages; empty when nothing was said.
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


def parse_devices(gpu: Any, device: Any,
                  models: Iterable[str]) -> tuple[Wanted, dict[str, Wanted]]:
    """Where every model is to run, and where those that are named are.

    Parameters
    ----------
    gpu, device
        The words of each flag: one, a list, or None.
    models
        The names that there are.

    Raises
    ------
    UsageError
    """
    # The key '' stands for all models that are not named.
    given: dict[str, Wanted] = {}
    for flag, value, read in (('--gpu', gpu, _gpus), ('--device', device, _devices)):
        for word in _words(value):
            name, equals, listed = word.rpartition('=')
            if equals and name not in models:
                raise UsageError(f'{flag} {word!r}: there is no model {name!r} in --models')
            if name in given:
                who = f'model {name}' if name else 'every model'
                raise UsageError(f'{flag} {word!r}: {who} has its devices from '
                                 f'{given[name].said} already')
            given[name] = _wanted(flag, word, listed, read)
    return given.pop('', ANYWHERE), given


def _words(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(word) for word in ([value] if isinstance(value, (str, int)) else value)]


def _wanted(flag: str, word: str, listed: str, read: Callable[[str], Wanted]) -> Wanted:
    said = f'{flag} {word}'
    try:
        wanted = read(listed.strip())
    except ValueError as error:
        raise UsageError(f'{flag} {word!r} {error}') from None
    for index, device in enumerate(wanted.devices):
        if device in wanted.devices[:index]:
            raise UsageError(f'{flag} {word!r} names {device} twice: --workers says how many '
                             'workers share the devices')
    return wanted._replace(said=said)


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
