"""Whether a JPEG that is cut off has its first rows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress

_QUANTIZATION = 0xdb
_FRAME_MARKERS = range(0xc0, 0xc3)
# All coefficients times 0: any pixel that is decoded is grey, never black.
_GREY = b''.join(b'\xff\xdb\0\x43' + bytes([table]) + bytes(64) for table in range(4))


def has_first_rows(data: bytes, segments: Sequence[tuple[int, int]], rows: int,
                   scan: int) -> bool:
    """Whether libjpeg gives any row of a JPEG of one scan that no marker ends.

    Parameters
    ----------
    data
        The JPEG.
    segments
        Where the head of its frame and its tables lie, each from the marker to the end.
    rows
        How many rows are coded together, as far as the picture has them.
    scan
        Where the segment of its scan begins.
    """
    parts = [b'\xff\xd8', _GREY]
    for start, end in segments:
        segment, marker = data[start:end], data[start + 1]
        if marker in _FRAME_MARKERS:
            segment = segment[:5] + rows.to_bytes(2, 'big') + segment[7:]
        if marker != _QUANTIZATION:
            parts.append(segment)
    return _decodes(b''.join([*parts, data[scan:]]))


def _decodes(data: bytes) -> bool:
    from PIL import Image

    # Pillow's plugins raise nearly anything.
    with suppress(Exception), Image.open(io.BytesIO(data), formats=['JPEG']) as picture:
        # It is cut off, as Pillow is about to say; what it has decoded is there.
        with suppress(OSError):
            picture.load()
        picture.tile = []
        first = picture.getpixel((0, 0))
        return any(first) if isinstance(first, tuple) else bool(first)
    return False
