"""Inputs as a signature describes them: of the right form, and without meaning."""

from __future__ import annotations

import marshal
import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from operator import mul
from typing import Any, Optional

from mms.archive.noise_picture import noise_picture
from mms.archive.signature import IMAGE_TYPE, input_types

# Where a signature leaves the size of a picture open.
_PICTURE_SIDE = 224
# Lists of a million numbers take as long to make as a large model to run; a picture of so many
# pixels takes some seconds.
_MOST_NUMBERS = 1_000_000
_MOST_PIXELS = 16_000_000


def sample_inputs(signature: Mapping[str, Any],
                  lengths: Optional[Mapping[str, Sequence[int]]] = None) -> Optional[list[Any]]:
    """What `_preprocess` takes: the signature's samples, JPEG bytes of noise, or lists of zeros.

    Parameters
    ----------
    signature
        The live one.
    lengths
        Name of an input -> its shape, for where the signature has a 0 (any). Without it,
        that becomes 1, or 224 for the side of a picture.

    Returns
    -------
    list or None
        One entry an input; None where the signature describes nothing that could be made.
    """
    kinds = input_types(signature)
    if _cost(signature, kinds, lengths or {}) > _MOST_NUMBERS:
        return None
    made = [_made_up(entry, kind, lengths or {})
            for entry, kind in zip(signature['inputs'], kinds)]
    if any(value is None for value in made):
        return None
    return made


def _made_up(entry: Mapping[str, Any], kind: str,
             lengths: Mapping[str, Sequence[int]]) -> Optional[Any]:
    if 'sample' in entry:
        return copy_of(entry['sample'])
    shape = _filled(entry, lengths)
    if kind == IMAGE_TYPE:
        return _picture(shape)
    return _zeros([size or 1 for size in shape]) if shape else None


def _cost(signature: Mapping[str, Any], kinds: Sequence[str],
          lengths: Mapping[str, Sequence[int]]) -> int:
    """What all inputs take, in numbers of a list."""
    cost = 0
    for entry, kind in zip(signature['inputs'], kinds):
        shape = _filled(entry, lengths)
        if 'sample' in entry:
            continue
        if kind == IMAGE_TYPE:
            cost += math.prod(_sides(shape)) * _MOST_NUMBERS // _MOST_PIXELS
        else:
            *lists, numbers = accumulate((size or 1 for size in shape), mul, initial=1)
            # Lists of one number each cost more than these.
            cost += max(numbers, sum(lists) // 4)
    return cost


def _sides(shape: Sequence[int]) -> list[int]:
    return [size or _PICTURE_SIDE for size in shape[2:4]] if len(shape) == 4 else (
        [_PICTURE_SIDE, _PICTURE_SIDE])


def copy_of(inputs: list[Any]) -> list[Any]:
    """Inputs that a hook may do with as it likes: bytes and what JSON has, at any depth.

    A million numbers take some milliseconds, with :mod:`copy` half a second.
    """
    copied: list[Any] = marshal.loads(marshal.dumps(inputs))
    return copied


def _filled(entry: Mapping[str, Any], lengths: Mapping[str, Sequence[int]]) -> list[int]:
    shape = [int(size) for size in entry['data_shape']]
    known = lengths.get(entry['data_name'], ())
    if len(known) != len(shape):
        return shape
    return [size or other for size, other in zip(shape, known)]


def _picture(shape: Sequence[int]) -> bytes:
    height, width = _sides(shape)
    return noise_picture(width, height, 0)


def _zeros(shape: Sequence[int]) -> Any:
    return [_zeros(shape[1:]) for _ in range(shape[0])] if shape else 0
