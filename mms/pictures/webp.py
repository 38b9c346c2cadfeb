"""The size of a WebP, from the head of its first chunk."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mms.pictures.faults import Unreadable

START, KIND = b'RIFF', b'WEBP'
_SIDE = 0x3fff


def sizes_of(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height, in pixels.

    Raises
    ------
    Unreadable
    struct.error
        It is cut off.
    """
    chunk = data[12:16]
    if chunk == b'VP8X':
        low_width, high_width, low_height, high_height = struct.unpack_from('<HBHB', data, 24)
        yield 1 + low_width + (high_width << 16), 1 + low_height + (high_height << 16)
    elif chunk == b'VP8 ':
        width, height = struct.unpack_from('<HH', data, 26)
        yield width & _SIDE, height & _SIDE
    elif chunk == b'VP8L':
        bits, = struct.unpack_from('<I', data, 21)
        yield 1 + (bits & _SIDE), 1 + (bits >> 14 & _SIDE)
    else:
        raise Unreadable('the WebP has no picture')
