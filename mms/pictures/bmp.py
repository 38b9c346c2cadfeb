"""The head of a BMP. MXNet says itself where it cannot decode the rest."""

from __future__ import annotations

import struct
from typing import Optional

from mms.pictures.faults import TooManyPixels, Unreadable

START = b'BM'
# Bytes of the second head by whose length OpenCV knows its kind.
_LENGTH = struct.Struct('<14xI')
_WINDOWS_LENGTH, _WINDOWS = 36, struct.Struct('<18xii28x')
_CORE_LENGTH, _CORE = 12, struct.Struct('<18xHH4x')


def check(data: bytes, max_pixels: Optional[int] = None) -> None:
    """See that the size can be read and is allowed.

    Raises
    ------
    PictureFault
    """
    length = _LENGTH.unpack_from(data)[0] if len(data) >= _LENGTH.size else 0
    head = _WINDOWS if length >= _WINDOWS_LENGTH else _CORE
    is_known = length >= _WINDOWS_LENGTH or length == _CORE_LENGTH
    if not is_known or len(data) < head.size:
        raise Unreadable('the head of the BMP is cut off, or of an unknown kind')
    width, height = head.unpack_from(data)
    # A negative height means that the rows come from the top.
    if width <= 0 or not height:
        raise Unreadable(f'a BMP of {width} x {height} pixels')
    if max_pixels is not None and width * abs(height) > max_pixels:
        raise TooManyPixels(width, abs(height))
