"""An input to warm a model up with: of the right form, and without meaning."""

from __future__ import annotations

import copy
import io
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from PIL import Image

from mms.archive.signature import IMAGE_TYPE

# Where a signature leaves the size of a picture open.
_PICTURE_SIDE = 224
# Lists of a million numbers take as long to make as a large model to run.
_MOST_NUMBERS = 1_000_000


def sample_inputs(signature: Mapping[str, Any]) -> Optional[list[Any]]:
    """What `_preprocess` takes: the signature's samples, JPEG bytes of noise, or lists of zeros.

    Parameters
    ----------
    signature
        The live one; a length of 0 (any) becomes 1, of a picture's side 224.

    Returns
    -------
    list or None
        One entry an input; None where the signature describes nothing that could be made.
    """
    inputs = signature['inputs']
    made = _made_up({**signature, 'inputs': [
        entry for entry in inputs if 'sample' not in entry]})
    if made is None:
        return None
    others = iter(made)
    return [copy.deepcopy(entry['sample']) if 'sample' in entry else next(others)
            for entry in inputs]


def _made_up(signature: Mapping[str, Any]) -> Optional[list[Any]]:
    shapes = [[int(size) for size in entry['data_shape']] for entry in signature['inputs']]
    if signature['input_type'] == IMAGE_TYPE:
        return [_picture(shape) for shape in shapes]
    lengths = [[size or 1 for size in shape] for shape in shapes]
    if not all(lengths) or sum(map(math.prod, lengths)) > _MOST_NUMBERS:
        return None
    return [_zeros(shape) for shape in lengths]


def _picture(shape: Sequence[int]) -> bytes:
    height, width = [size or _PICTURE_SIDE for size in shape[2:4]] if len(shape) == 4 else (
        _PICTURE_SIDE, _PICTURE_SIDE)
    noise = random.Random(0).randbytes(height * width * 3)
    file = io.BytesIO()
    Image.frombytes('RGB', (width, height), noise).save(file, 'JPEG')
    return file.getvalue()


def _zeros(shape: Sequence[int]) -> Any:
    return [_zeros(shape[1:]) for _ in range(shape[0])] if shape else 0
