"""The device a model runs on."""

from __future__ import annotations

from typing import Any, Optional, Union

from mms import mxnet_compat

mxnet_compat.prepare()

import mxnet as mx  # noqa: E402

from mms.errors import ServiceError  # noqa: E402
from mms.model_service.reasons import reason_of  # noqa: E402


def context_for(gpu: Optional[Union[int, str]]) -> Any:
    """``mx.cpu()`` when `gpu` is None, else ``mx.gpu(gpu)``.

    Raises
    ------
    ServiceError
        MXNet does not see that device.
    """
    if gpu is None:
        return mx.cpu()
    try:
        number = int(gpu)
    except ValueError:
        raise ServiceError(f'--gpu {gpu!r} is not the number of a GPU') from None
    _check_gpu(number)
    return mx.gpu(number)


def _check_gpu(number: int) -> None:
    if not mx.runtime.Features().is_enabled('CUDA'):
        raise ServiceError(f'--gpu {number}: this MXNet sees 0 GPUs, it is built without CUDA: '
                           'install mxnet-cu112 or mxnet-cu117 in its place, or leave out --gpu')
    try:
        seen = mx.context.num_gpus()
    except mx.base.MXNetError as error:
        raise ServiceError(f'--gpu {number}: MXNet cannot reach any GPU: {reason_of(error)}') \
            from error
    if not 0 <= number < seen:
        last = f', numbered from 0 to {seen - 1}' if seen > 1 else ''
        raise ServiceError(f'--gpu {number}: MXNet sees {seen} GPU{"s" * (seen != 1)}{last}')
