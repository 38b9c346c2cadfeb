"""A small computation that shows whether a device computes, and what is said where it does not."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mms.mxnet_engine.reasons import reason_of
from mms.worker.devices.card import Card
from mms.worker.devices.cuda_errors import is_out_of_memory
from mms.worker.devices.cuda_wheels import has_code, others_for, supported

_GIB = 2**30


class Fault(NamedTuple):
    """Why a device does not compute.

    Attributes
    ----------
    reason
        What MXNet says, or what is wrong with what it computed.
    is_full
        Whether it only lacks memory.
    """

    reason: str
    is_full: bool = False


def probe(ctx: Any) -> str:
    """Compute on a context, and wait for the values.

    An operator raises where a card has no code for it. ``FullyConnected`` does not: it passes over
    its failed launch, and gives what the memory held. The numbers are whole and small, so that no
    way of computing rounds them.

    Returns
    -------
    str
        What is wrong with the values; an empty string when they are right.

    Raises
    ------
    MXNetError
        MXNet cannot compute there.
    """
    import mxnet as mx

    doubled = (mx.nd.array([1., 2.], ctx=ctx) * 2).asnumpy()
    data, weight, bias = np.array([[1., 2.]]), np.array([[3., 4.], [5., 6.]]), np.array([7., 8.])
    dense = mx.nd.FullyConnected(*(mx.nd.array(part, ctx=ctx) for part in (data, weight, bias)),
                                 num_hidden=2).asnumpy()
    for what, computed, right in (('[1, 2] * 2', doubled, np.array([2., 4.])),
                                  ('FullyConnected', dense, data @ weight.T + bias)):
        if not np.array_equal(computed, right):
            return f'{what} gives {computed.ravel().tolist()} in place of {right.ravel().tolist()}'
    return ''


def fault_of(error: BaseException) -> Fault:
    """What an exception of :func:`probe` says of the device."""
    return Fault(reason_of(error), is_out_of_memory(error))


def fault_message(number: int, card: Card, cuda: str, fault: Fault) -> str:
    """Why a GPU is refused, and how to mend it, as one clause.

    Parameters
    ----------
    cuda
        Of MXNet's wheel, such as ``cu117``; empty where it is not known.
    """
    gpu = f'GPU {number}{_described(card)}'
    if fault.is_full:
        return (f'{gpu} has no memory left ({fault.reason}). End what fills it (nvidia-smi lists '
                'it), or give another GPU')
    if card.capability is None or has_code(cuda, card.capability) is not False:
        return (f'{gpu} does not compute ({fault.reason}). Look at nvidia-smi and the log of the '
                'system, or give another GPU')
    others = others_for(cuda, card.capability)
    mend = f'Install {others[0]} in its place' if others else \
        'No wheel of MXNet 1.9.1 has any for it: give another GPU'
    return (f'{gpu} cannot compute with mxnet-{cuda}, which has code for compute capability '
            f'{supported(cuda)} alone ({fault.reason}). {mend}')


def _described(card: Card) -> str:
    parts = [card.name] if card.name else []
    if card.capability:
        parts.append('compute capability {}.{}'.format(*card.capability))
    if card.memory_bytes:
        parts.append(f'{card.memory_bytes / _GIB:.0f} GiB')
    return f' ({", ".join(parts)})' if parts else ''
