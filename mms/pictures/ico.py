"""The sizes of the pictures in an icon, each a PNG or a BMP."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mms.pictures import png
from mms.pictures.faults import Unreadable

START = b'\0\0\1\0'
_COUNT, _ENTRY = struct.Struct('<4xH'), struct.Struct('<12xI')
_PNG_SIDES, _BMP_SIDES = struct.Struct('!16xII'), struct.Struct('<4xii')
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
    for number in range(count):
        place, = _ENTRY.unpack_from(data, _COUNT.size + number * _ENTRY.size)
        if data.startswith(png.START, place):
            yield _PNG_SIDES.unpack_from(data, place)
        else:
            # Twice as high, for the mask.
            width, height = _BMP_SIDES.unpack_from(data, place)
            yield abs(width), abs(height) // 2
