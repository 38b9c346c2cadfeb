"""Whether a device has failed so that nothing which this process computes can be relied on.

CUDA keeps that for each process, and for good: so does this module.
"""

from __future__ import annotations

import logging

from mms.mxnet_engine.reasons import reason_of
from mms.worker.devices.cuda_errors import is_device_error

logger = logging.getLogger(__name__)

_lost: list[str] = []


class DeviceLost(BaseException):
    """Nothing is computed any more: this process has to end, and another to take its place.

    No ``Exception``, since a hook that runs into it has nothing to handle.
    """


def note(error: BaseException) -> None:
    """Remember `error`, if it says that the device failed."""
    if not is_device_error(error):
        return
    if not _lost:
        # Not when it ends: by then the front may have ended it.
        logger.error('The device failed, and no process can go on after that: this worker ends, '
                     'and is replaced (%s).', reason_of(error))
    _lost.append(reason_of(error))


def note_or_raise(error: BaseException) -> None:
    """The same, for work that goes on in another way if the device is well.

    Raises
    ------
    DeviceLost
    """
    note(error)
    raise_if_lost()


def raise_if_lost() -> None:
    """Do so if the device has failed.

    Raises
    ------
    DeviceLost
    """
    if _lost:
        raise DeviceLost(_lost[0])


def is_lost() -> bool:
    """Whether the device has failed."""
    return bool(_lost)
