"""A tensor, and the types of what it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

BYTES, BOOL, BF16 = 'BYTES', 'BOOL', 'BF16'
FP32, INT64 = 'FP32', 'INT64'
# As they lie in memory; NumPy has no BF16, which is the first half of a float32.
NUMBERS: Mapping[str, Any] = {name: np.dtype(code) for name, code in (
    ('BOOL', '?'), ('UINT8', '<u1'), ('UINT16', '<u2'), ('UINT32', '<u4'), ('UINT64', '<u8'),
    ('INT8', '<i1'), ('INT16', '<i2'), ('INT32', '<i4'), ('INT64', '<i8'), ('FP16', '<f2'),
    ('FP32', '<f4'), ('FP64', '<f8'), ('BF16', '<u2'))}
# The type of NumPy's numbers -> how they are called.
NAMES: Mapping[Any, str] = {dtype: name for name, dtype in NUMBERS.items() if name != BF16}
_HALF = np.uint32(16)


class Tensor(NamedTuple):
    """A named tensor.

    Attributes
    ----------
    datatype
        One of :data:`mms.archive.signature.DATATYPES`.
    shape
        Its dimensions.
    values
        An array of this shape, of BF16 one of float32; of BYTES the elements in a row.
    """

    name: str
    datatype: str
    shape: Sequence[int]
    values: Any


def widened(halves: Any) -> Any:
    """BF16, each number as the 16 bits that it is, as float32."""
    return (halves.astype(np.uint32) << _HALF).view(np.float32)


def narrowed(values: Any) -> Any:
    """The reverse; a number between two goes to the nearer, else to the even one."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    halves = (bits + np.uint32(0x7FFF) + ((bits >> _HALF) & np.uint32(1))) >> _HALF
    # What is no number stays none: its bits would become those of infinity, or of zero.
    return np.where(np.isnan(values), np.uint32(0x7FC0), halves).astype('<u2')
