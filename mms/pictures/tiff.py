"""The size of a TIFF's first picture, from its tags."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mms.pictures.faults import Unreadable

# As Pillow takes them, those that mix the two byte orders too.
STARTS = (b'II*\0', b'II\0*', b'MM\0*', b'MM*\0', b'II+\0', b'MM\0+')
_BIG = b'+'
_WIDTH, _HEIGHT = 256, 257
# By the type of a tag: SHORT, LONG and LONG8.
_NUMBERS = {3: 'H', 4: 'I', 16: 'Q'}
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
    order = '<' if data.startswith(b'II') else '>'
    is_big = _BIG in data[:4]
    place = struct.unpack_from(f'{order}Q' if is_big else f'{order}I', data, 8 if is_big else 4)[0]
    count, = struct.unpack_from(f'{order}Q' if is_big else f'{order}H', data, place)
    place += 8 if is_big else 2
    if count > _MAX_TAGS:
        raise Unreadable(f'the TIFF has {count} tags')
    entry = struct.Struct(f'{order}HHQ8s' if is_big else f'{order}HHI4s')
    sides: dict[int, int] = {}
    for tag, kind, _, value in struct.iter_unpack(
            entry.format, data[place:place + count * entry.size]):
        if tag in (_WIDTH, _HEIGHT) and kind in _NUMBERS:
            number = struct.Struct(f'{order}{_NUMBERS[kind]}')
            if number.size <= len(value):
                sides[tag] = number.unpack_from(value)[0]
    if len(sides) < 2:
        raise Unreadable('the TIFF does not say how large it is')
    yield sides[_WIDTH], sides[_HEIGHT]
