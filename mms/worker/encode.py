"""A prediction as JSON text, the way MMS 0.4 wrote it.

Keys sorted, no spaces, NaN as ``NaN``, tuples as lists; NumPy scalars and
arrays and MXNet NDArrays become numbers and nested lists.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np


def to_json(prediction: Any) -> bytes:
    """JSON text of what a service's `_postprocess` returned, ASCII.

    Raises
    ------
    TypeError, ValueError
        It holds what JSON cannot: bytes, sets, circular references, own classes.
    """
    try:
        text = _dumps(prediction, sort_keys=True)
    except TypeError:
        # Keys of several types cannot be sorted; everything else fails again.
        text = _dumps(_with_plain_keys(prediction), sort_keys=False)
    return text.encode('ascii')


def _dumps(value: Any, sort_keys: bool) -> str:
    return json.dumps(value, default=_plain, sort_keys=sort_keys, separators=(',', ':'))


def _plain(value: Any) -> Any:
    if isinstance(value, np.floating):
        return float(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if hasattr(value, 'asnumpy'):
        return value.asnumpy().tolist()
    raise TypeError(f'a prediction cannot hold {type(value).__name__}: JSON has no such value')


def _with_plain_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {_plain_key(key): _with_plain_keys(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_plain_keys(item) for item in value]
    return value


def _plain_key(key: Any) -> Any:
    return key.item() if isinstance(key, np.generic) else key
