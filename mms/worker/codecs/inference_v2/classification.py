"""The largest numbers of an output, with their places and labels, in its stead."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from mms.worker.codecs.inference_v2.tensor import BYTES, Tensor
from mms.worker.codecs.inference_v2.wrong import wrong


def classified(tensor: Tensor, classes: int, labels: Sequence[str]) -> Tensor:
    """Elements ``VALUE:PLACE``, or ``VALUE:PLACE:LABEL``, the largest first; for each row where
    the tensor has several dimensions.

    Raises
    ------
    BadRequest
        The output holds no numbers.
    """
    if tensor.datatype == BYTES:
        raise wrong(f"output '{tensor.name}' holds no numbers, of which there would be a "
                    'classification')
    values = np.asarray(tensor.values)
    # There may be no rows, of which NumPy does not find the length.
    rows = values.reshape(len(values), prod(values.shape[1:])) if values.ndim > 1 \
        else values.reshape(1, -1)
    count = min(classes, rows.shape[1])
    order = np.argsort(-rows.astype(np.float64), axis=1, kind='stable')[:, :count]
    found = [_described(row[place], int(place), labels)
             for row, places in zip(rows, order) for place in places]
    return Tensor(tensor.name, BYTES, [len(values), count] if values.ndim > 1 else [count], found)


def _described(value: Any, place: int, labels: Sequence[str]) -> str:
    number = f'{value:f}' if value.dtype.kind == 'f' else str(int(value))
    return f'{number}:{place}:{labels[place]}' if place < len(labels) else f'{number}:{place}'
