"""The device that a service is constructed for, where its constructor is not told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Optional

from mms.devices.device import Device

_ASSIGNED: ContextVar[Optional[Device]] = ContextVar('assigned', default=None)


def assigned() -> Optional[Device]:
    """The device; None for the processors, shared by all workers."""
    return _ASSIGNED.get()


@contextmanager
def assigning(device: Optional[Device]) -> Iterator[None]:
    """Construct a service inside: without a number of a GPU, it is on `device`."""
    token = _ASSIGNED.set(device)
    try:
        yield
    finally:
        _ASSIGNED.reset(token)
