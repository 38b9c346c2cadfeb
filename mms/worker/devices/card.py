"""What CUDA's driver says of a card, without MXNet: its name, what it can, its memory."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import NamedTuple, Optional

from mms.worker.devices.cuda_wheels import Capability

DRIVER = 'libcuda.so.1'
_SUCCESS = 0
# CUdevice_attribute of cuda.h.
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76
_LONGEST_NAME = 256


class Card(NamedTuple):
    """A card.

    Attributes
    ----------
    name
        As NVIDIA calls it; empty where the driver does not say.
    capability
        Its compute capability, major and minor; None where the driver does not say.
    memory_bytes
        All of it; 0 where the driver does not say.
    """

    name: str = ''
    capability: Optional[Capability] = None
    memory_bytes: int = 0


def read_card(number: int, driver: str = DRIVER) -> Card:
    """What the driver says, as far as it does; no call needs memory of the card.

    Parameters
    ----------
    number
        As MXNet counts: the driver heeds ``CUDA_VISIBLE_DEVICES``, too.
    driver
        The library.
    """
    with suppress(OSError, AttributeError):
        cuda, device = ctypes.CDLL(driver), ctypes.c_int()
        if cuda.cuInit(0) == _SUCCESS and \
                cuda.cuDeviceGet(ctypes.byref(device), number) == _SUCCESS:
            return Card(_name(cuda, device), _capability(cuda, device), _memory(cuda, device))
    return Card()


def _name(cuda: ctypes.CDLL, device: ctypes.c_int) -> str:
    text = ctypes.create_string_buffer(_LONGEST_NAME)
    if cuda.cuDeviceGetName(text, _LONGEST_NAME, device) != _SUCCESS:
        return ''
    return text.value.decode('utf-8', 'replace').strip()


def _capability(cuda: ctypes.CDLL, device: ctypes.c_int) -> Optional[Capability]:
    versions = []
    for attribute in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR):
        value = ctypes.c_int()
        if cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device) != _SUCCESS:
            return None
        versions.append(value.value)
    return versions[0], versions[1]


def _memory(cuda: ctypes.CDLL, device: ctypes.c_int) -> int:
    size = ctypes.c_size_t()
    # Without its suffix it is CUDA 3's, of 32 bits.
    if cuda.cuDeviceTotalMem_v2(ctypes.byref(size), device) != _SUCCESS:
        return 0
    return size.value
