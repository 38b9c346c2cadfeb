"""Does code take numbers off a whole batch?

A network that branches on its data (``if x.sum() < 0``) reads one number of all its
rows: run together, one request decides over another. A trial may well not show it in
the answers.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def scalar_reads() -> Iterator[list[tuple[int, ...]]]:
    """The shapes of the NDArrays whose numbers are read inside.

    ``asscalar``, ``item``, ``bool`` and the like all go through ``asnumpy``.
    """
    shapes: list[tuple[int, ...]] = []
    mxnet = sys.modules.get('mxnet')
    if mxnet is None:
        yield shapes
        return
    cls = mxnet.nd.NDArray
    original = cls.asnumpy

    def asnumpy(array: Any) -> Any:
        shapes.append(tuple(array.shape))
        return original(array)

    cls.asnumpy = asnumpy
    try:
        yield shapes
    finally:
        cls.asnumpy = original
