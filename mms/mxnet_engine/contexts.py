"""The context that a service computes on."""

from __future__ import annotations

import os
from typing import Any, Optional, Union

from mms.devices.device import GPU, Device, VisibleGPUs, refusal
from mms.errors import ServiceError
from mms.mxnet_compat import mxnet as mx
from mms.mxnet_engine.assigned_device import assigned
from mms.mxnet_engine.reasons import reason_of


def context_for(gpu: Optional[Union[int, str]]) -> Any:
    """``mx.gpu(gpu)``; for None, the context of the device that the worker was given.

    That is ``mx.cpu()`` where it was given none, and outside of a worker.

    Raises
    ------
    ServiceError
        MXNet does not see that device.
    """
    device = assigned() if gpu is None else Device(GPU, _number(gpu))
    if device is None:
        return mx.cpu()
    number = device.number
    reason = device.kind == GPU and refusal(f'--gpu {number}', [number], visible_gpus())
    if reason:
        raise ServiceError(reason)
    return mx.Context(device.kind, device.number)


def visible_gpus() -> VisibleGPUs:
    """What this process's MXNet sees of GPUs."""
    visible = os.environ.get('CUDA_VISIBLE_DEVICES')
    if not mx.runtime.Features().is_enabled('CUDA'):
        return VisibleGPUs(cuda=False, visible=visible)
    try:
        return VisibleGPUs(gpus=mx.context.num_gpus(), visible=visible)
    except mx.base.MXNetError as error:
        return VisibleGPUs(failure=reason_of(error), visible=visible)


def _number(gpu: Union[int, str]) -> int:
    try:
        return int(gpu)
    except ValueError:
        raise ServiceError(f'--gpu {gpu!r} is not the number of a GPU') from None
