"""Whether two answers of a service are the same, but for rounding."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

# Relative to the largest magnitude; a fused EfficientNet-Lite0 differs by 3e-7.
TOLERANCE = 1e-4


def same(one: Any, other: Any) -> bool:
    """Compare structures, types, shapes, dtypes and numbers; whole numbers have to be equal."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if hasattr(one, 'asnumpy'):
        return bool(one.context == other.context) and same(one.asnumpy(), other.asnumpy())
    if isinstance(one, (np.ndarray, np.generic, numbers.Number)):
        return _same_numbers(np.asarray(one), np.asarray(other))
    return bool(one == other)


def _same_numbers(one: Any, other: Any) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype.kind not in 'fc':
        return bool(np.array_equal(one, other))
    finite = np.isfinite(one)
    if not np.array_equal(one[~finite], other[~finite], equal_nan=True):
        return False
    one, other = one[finite].astype(np.float64), other[finite].astype(np.float64)
    return not one.size or bool(abs(one - other).max() <= TOLERANCE * abs(one).max())
