"""The chunks of a PNG, as libpng reads them."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple, Optional

from mms.pictures.faults import TooManyPixels, Unreadable
from mms.pictures.png_pixels import CHECKED_BYTES, is_longer

START = b'\x89PNG\r\n\x1a\n'
_IMAGE, _PALETTE, _END = b'IDAT', b'PLTE', b'IEND'
_HEAD = struct.Struct('!8xI4sIIBB3sI')
_HEAD_NAME, _HEAD_LENGTH = b'IHDR', 13
_CHUNK, _CHECKSUM = struct.Struct('!I4s'), struct.Struct('!I')
# Bytes of a chunk around what it holds.
_AROUND = _CHUNK.size + _CHECKSUM.size
# By colour type.
_BITS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PALETTE_COLOURS = 3
# Of compression, of filters, and with or without interlacing.
_METHODS = (b'\0\0\0', b'\0\0\1')
# libpng's own limits: on a side, in pixels, and on any chunk but IDAT, in bytes.
_MAX_SIDE_PX = 1_000_000
_MAX_CHUNK_BYTES = 8_000_000
_MAX_PALETTE_BYTES = 3 * 256
# libpng writes IDAT chunks of 8 KB: so many are a picture of 160 MB.
_MAX_CHUNKS = 20_000
# Those that change pixels, if only of a coloured picture that is read in grey. libpng unpacks and
# keeps the others: compressed texts of 8 MB become 8 GB.
_COLOURS = {b'tRNS', b'gAMA', b'cHRM', b'sRGB', b'iCCP'}


class _Head(NamedTuple):
    width: int
    height: int
    bits: int
    colours: int

    @property
    def max_image_bytes(self) -> int:
        """Bytes that libpng lets a chunk of pixels have: those of stored blocks, or 8 MB."""
        row = self.width * _CHANNELS[self.colours] * (2 if self.bits > 8 else 1) + 1
        rows = self.height * row
        return max(rows + 6 + 5 * (rows // min(row, 32_566) + 1), _MAX_CHUNK_BYTES)


class _Chunk(NamedTuple):
    """A chunk is data[start:end], from its length to its checksum."""

    name: bytes
    start: int
    end: int


def check(data: bytes, max_pixels: Optional[int] = None) -> None:
    """See that libpng takes everything before the pixels.

    Raises
    ------
    PictureFault
    """
    head = _read_head(data, max_pixels)
    seen: set[bytes] = set()
    for chunk in _chunks(data):
        if chunk.name == _IMAGE:
            if head.colours == _PALETTE_COLOURS and _PALETTE not in seen:
                raise Unreadable('the PNG has no palette')
            if chunk.end - chunk.start - _AROUND > head.max_image_bytes:
                raise Unreadable('the PNG has a longer chunk of pixels than pixels')
            return
        _check_chunk(data, chunk, seen)
        seen.add(chunk.name)
    raise Unreadable('the PNG ends before its pixels')


def check_pixels(data: bytes) -> None:
    """See that the pixels of a PNG that passes :func:`check` unpack to what its rows take.

    Raises
    ------
    Unreadable
    """
    # Of a smaller one all that can be unpacked is unpacked in a second.
    if len(data) > CHECKED_BYTES:
        bodies = (data[chunk.start + _CHUNK.size:chunk.end - _CHECKSUM.size]
                  for chunk in _chunks(data) if chunk.name == _IMAGE)
        if is_longer(bodies, _read_head(data, None).max_image_bytes):
            raise Unreadable('the PNG has far more bytes of pixels than pixels')


def without_texts(data: bytes) -> bytes:
    """A PNG without the chunks that change no pixel; `data` itself where it has none."""
    kept, behind, over = [], 0, False
    seen: set[bytes] = set()
    for chunk in _chunks(data):
        over = over or (_IMAGE in seen and chunk.name != _IMAGE)
        if not _is_kept(chunk, seen, over):
            kept.append(data[behind:chunk.start])
            behind = chunk.end
        seen.add(chunk.name)
    return b''.join([*kept, data[behind:]]) if kept else data


def _read_head(data: bytes, max_pixels: Optional[int]) -> _Head:
    if len(data) < _HEAD.size:
        raise Unreadable('the PNG is cut off in its head')
    length, name, *fields, methods, checksum = _HEAD.unpack_from(data)
    head = _Head(*fields)
    if (length, name) != (_HEAD_LENGTH, _HEAD_NAME):
        raise Unreadable('the PNG does not begin with its head')
    if max_pixels is not None and head.width * head.height > max_pixels:
        raise TooManyPixels(head.width, head.height)
    if checksum != zlib.crc32(data[12:_HEAD.size - _CHECKSUM.size]):
        raise Unreadable('the checksum of the head of the PNG is wrong')
    if not 0 < head.width <= _MAX_SIDE_PX or not 0 < head.height <= _MAX_SIDE_PX:
        raise Unreadable(f'a PNG of {head.width} x {head.height} pixels; up to {_MAX_SIDE_PX} a '
                         'side are decoded')
    if head.bits not in _BITS.get(head.colours, ()):
        raise Unreadable(f'a PNG of colour type {head.colours} with {head.bits} bits')
    if methods not in _METHODS:
        raise Unreadable('the PNG has unknown methods of compression, filters or interlacing')
    return head


def _chunks(data: bytes) -> list[_Chunk]:
    """The chunks behind the head, as far as they go; the last one may be cut off."""
    found: list[_Chunk] = []
    place = _HEAD.size
    while place + _CHUNK.size <= len(data):
        if len(found) == _MAX_CHUNKS:
            raise Unreadable(f'the PNG has more than {_MAX_CHUNKS} chunks')
        length, name = _CHUNK.unpack_from(data, place)
        end = place + length + _AROUND
        found.append(_Chunk(name, place, end))
        if name == _END:
            break
        place = end
    return found


def _check_chunk(data: bytes, chunk: _Chunk, seen: set[bytes]) -> None:
    """One before the pixels."""
    if chunk.end > len(data):
        raise Unreadable('the PNG is cut off before its pixels')
    if not chunk.name.isalpha():
        raise Unreadable('the PNG has a chunk whose name is not of letters')
    if chunk.name == _PALETTE:
        body = data[chunk.start + _CHUNK.size:chunk.end - _CHECKSUM.size]
        checksum = _CHECKSUM.unpack_from(data, chunk.end - _CHECKSUM.size)[0]
        if (_PALETTE in seen or not 0 < len(body) <= _MAX_PALETTE_BYTES or len(body) % 3
                or checksum != zlib.crc32(_PALETTE + body)):
            raise Unreadable('the palette of the PNG is broken')
    elif chunk.name[:1].isupper():
        raise Unreadable(f'the PNG has the chunk {chunk.name.decode()} before its pixels')


def _is_kept(chunk: _Chunk, seen: set[bytes], over: bool) -> bool:
    """Whether libpng is to see it; `over` says that the pixels are over."""
    if chunk.name == _IMAGE:
        # libpng reads those in a row and no other.
        return not over
    if chunk.name in _COLOURS:
        # It heeds the first one, and ends over one that is too long.
        return not over and chunk.name not in seen \
            and chunk.end - chunk.start <= _MAX_CHUNK_BYTES
    return not (chunk.name.isalpha() and chunk.name[:1].islower())
