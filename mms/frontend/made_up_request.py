"""A request as a signature describes it: of the right form, and without meaning."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from itertools import accumulate
from operator import mul
from typing import Any, Optional

import requests
from PIL import Image

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.ipc.messages import CLASSIC, Request

# Where a signature leaves the size of a picture open.
_PICTURE_SIDE = 224
_MOST_NUMBERS = 1_000_000
_MOST_PIXELS = 16_000_000


def made_up_request(signature: Mapping[str, Any]) -> Optional[Request]:
    """The form that a client would send to ``/<model>/predict``: the signature's samples, grey
    pictures, or lists of zeros. It computes, for a second at most.

    Parameters
    ----------
    signature
        The live one.

    Returns
    -------
    Request or None
        None where the signature describes nothing that could be made.
    """
    files: dict[str, tuple[Optional[str], bytes, str]] = {}
    for entry, kind in zip(signature['inputs'], input_types(signature)):
        content = _content(entry, kind)
        if content is None:
            return None
        file_name, media_type = ('picture.jpg', IMAGE_TYPE) if kind == IMAGE_TYPE else (None, kind)
        files[entry['data_name']] = file_name, content, media_type
    form = requests.Request('POST', 'http://localhost', files=files).prepare()
    assert isinstance(form.body, bytes)
    return Request(CLASSIC, form.headers['Content-Type'], form.body) if files else None


def _content(entry: Mapping[str, Any], kind: str) -> Optional[bytes]:
    shape = [int(length) for length in entry['data_shape']]
    if kind == IMAGE_TYPE:
        return _picture(shape)
    if 'sample' in entry:
        return json.dumps(entry['sample']).encode()
    return _zeros([length or 1 for length in shape])


def _picture(shape: list[int]) -> Optional[bytes]:
    height, width = (length or _PICTURE_SIDE for length in shape[2:4]) if len(shape) == 4 else (
        _PICTURE_SIDE, _PICTURE_SIDE)
    if height * width > _MOST_PIXELS:
        return None
    file = io.BytesIO()
    Image.new('RGB', (width, height), (128, 128, 128)).save(file, 'JPEG')
    return file.getvalue()


def _zeros(shape: list[int]) -> Optional[bytes]:
    # Lists of one number each cost more than these.
    *lists, numbers = accumulate(shape, mul, initial=1)
    if not shape or max(numbers, sum(lists) // 4) > _MOST_NUMBERS:
        return None
    text = '0'
    for length in reversed(shape):
        text = f'[{", ".join([text] * length)}]'
    return text.encode()
