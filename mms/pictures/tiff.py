"""The size of a TIFF's first picture, from its tags."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mms.pictures.faults import Unreadable

# As Pillow takes them, those that mix the two byte orders too.
STARTS = (b'II*\0', b'II\0*', b'MM\0*', b'MM*\0', b'II+\0', b'MM\0+')
# Pillow takes the last one, which is of 64 bits, for one of 32.
_BIG, _UNREADABLE = b'II+\0', b'MM\0+'
_WIDTH, _HEIGHT = 256, 257
# By the type of a tag: SHORT, LONG, SLONG and LONG8. With another count, Pillow looks elsewhere.
_NUMBERS = {3: 'H', 4: 'I', 9: 'i', 16: 'Q'}
# Baseline TIFF has some thirty.
_MAX_TAGS = 4096


def sizes_of(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height of the first picture, in pixels.

    Raises
    ------
    Unreadable
    struct.error
        It is cut off.
    """
    if data.startswith(_UNREADABLE):
        raise Unreadable('a TIFF of 64 bits whose highest bytes come first')
    order, is_big = '<' if data.startswith(b'II') else '>', data.startswith(_BIG)
    place = struct.unpack_from(f'{order}Q' if is_big else f'{order}I', data, 8 if is_big else 4)[0]
    if place >= len(data):
        raise Unreadable('the tags of the TIFF are cut off')
    count, = struct.unpack_from(f'{order}Q' if is_big else f'{order}H', data, place)
    if count > _MAX_TAGS:
        raise Unreadable(f'the TIFF has {count} tags')
    place += 8 if is_big else 2
    entry = struct.Struct(f'{order}HHQ8s' if is_big else f'{order}HHI4s')
    sides: dict[int, int] = {}
    for number in range(count):
        tag, kind, values, value = entry.unpack_from(data, place + number * entry.size)
        if tag in (_WIDTH, _HEIGHT):
            if tag in sides or values != 1 or kind not in _NUMBERS:
                raise Unreadable('the TIFF does not say plainly how large it is')
            sides[tag] = struct.unpack_from(f'{order}{_NUMBERS[kind]}', value)[0]
    if len(sides) < 2:
        raise Unreadable('the TIFF does not say how large it is')
    yield sides[_WIDTH], sides[_HEIGHT]
