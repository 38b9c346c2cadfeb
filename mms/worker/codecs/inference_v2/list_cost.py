"""What a tensor takes as lists of Python's objects."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from operator import mul

from mms.worker.codecs.inference_v2.wrong import wrong
from mms.worker.codecs.json_scan import FREE_BYTES

# Bytes of CPython's objects: an item of a list that is there once and for all, is a number, or a
# text.
SMALL, NUMBER, TEXT = 8, 40, 80
_LIST = 72
# As much as lists of float32 take.
_MOST_A_BYTE = 10


def check_cost(name: str, shape: Sequence[int], size: int, item: int) -> None:
    """See that an input does not take much more memory than its data, of so many bytes.

    Parameters
    ----------
    item
        Bytes that one of its items takes.

    Raises
    ------
    BadRequest
    """
    lists = sum(accumulate(shape[:-1], mul, initial=1))
    if _LIST * lists + item * prod(shape) > _MOST_A_BYTE * size + FREE_BYTES:
        raise wrong(f"input '{name}' would take too much memory as lists: send it in several "
                    'requests')
