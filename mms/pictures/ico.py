"""The sizes of the pictures in an icon, each a PNG or a BMP."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mms.pictures import png
from mms.pictures.faults import Unreadable

START = b'\0\0\1\0'
_COUNT, _ENTRY = struct.Struct('<4xH'), struct.Struct('<8xII')
_PNG_SIDES, _BMP_SIDES = struct.Struct('!16xII'), struct.Struct('<4xii')
# OS/2's.
_CORE_LENGTH, _CORE_SIDES = 12, struct.Struct('<4xHH')
# Icons have one for each size.
_MAX_PICTURES = 1000


def sizes_of(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height of each, in pixels.

    Raises
    ------
    Unreadable
    struct.error
        It is cut off.
    """
    count, = _COUNT.unpack_from(data)
    if not 0 < count <= _MAX_PICTURES:
        raise Unreadable(f'the icon has {count} pictures')
    left = len(data)
    for number in range(count):
        size, place = _ENTRY.unpack_from(data, _COUNT.size + number * _ENTRY.size)
        left -= size
        if left < 0:
            raise Unreadable('the pictures of the icon overlap, or are cut off')
        yield _size_of(data[place:place + size])


def _size_of(data: bytes) -> tuple[int, int]:
    if data.startswith(png.START):
        png.check(data)
        width, height = _PNG_SIDES.unpack_from(data)
        return width, height
    is_core = struct.unpack_from('<I', data)[0] == _CORE_LENGTH
    width, height = (_CORE_SIDES if is_core else _BMP_SIDES).unpack_from(data)
    # Twice as high, for the mask.
    return abs(width), abs(height) // 2
