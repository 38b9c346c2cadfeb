"""The process that tells the front, in lines of JSON, what MXNet sees of GPUs.

It ends when it has told: a fork computes on no GPU after they were counted, and a context takes
half a gigabyte of the card.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import distributions
from typing import Callable

from mms import mxnet_compat
from mms.devices.device import VisibleGPUs
from mms.mxnet_engine.reasons import reason_of
from mms.worker.devices.card import read_card
from mms.worker.devices.cuda_wheels import cuda_of
from mms.worker.devices.gpu_probe import Fault, fault_message, fault_of, probe


def main() -> None:
    """Print what MXNet sees, as the last line; before it, each GPU that is about to compute.

    The words of the command line are the numbers of the GPUs that are wanted; none for all.
    """
    sys.dont_write_bytecode = True
    found = read_visible_gpus()
    wanted = sorted(set(map(int, sys.argv[1:]))) or range(found.gpus)
    here = [number for number in wanted if number < found.gpus]
    unusable = first_unusable(here, _failure_of, lambda number: _print({'at': number}))
    _print({**found._asdict(), 'unusable': unusable})
    # What MXNet does at its end may fail, or hang, on a card that failed.
    os._exit(0)


def read_visible_gpus() -> VisibleGPUs:
    """What MXNet sees, also where it cannot even be imported."""
    try:
        mxnet_compat.prepare_services()
        from mms.mxnet_engine.contexts import visible_gpus
    except (ImportError, OSError) as error:
        # The wheels for CUDA need its libraries, and the driver's, to be imported at all.
        return VisibleGPUs(failure=reason_of(error), visible=os.environ.get('CUDA_VISIBLE_DEVICES'))
    return visible_gpus()


def first_unusable(numbers: Sequence[int], failure_of: Callable[[int], str],
                   begin: Callable[[int], None]) -> str:
    """What is said of the first GPU that does not compute; an empty string when all do.

    The others are not tried: one that failed may take them with it.

    Parameters
    ----------
    failure_of
        Computes on a GPU; an empty string when that works.
    begin
        Called before.
    """
    for number in numbers:
        begin(number)
        failure = failure_of(number)
        if failure:
            return failure
    return ''


def _failure_of(number: int) -> str:
    import mxnet as mx

    try:
        wrong = probe(mx.gpu(number))
        fault = Fault(wrong) if wrong else None
    except mx.base.MXNetError as error:
        fault = fault_of(error)
    return fault_message(number, read_card(number), cuda_of(_names()), fault) if fault else ''


def _names() -> Iterator[str]:
    """Names of all packages that are installed."""
    return (str(one.metadata['Name']) for one in distributions())


def _print(line: object) -> None:
    print(json.dumps(line), flush=True)
