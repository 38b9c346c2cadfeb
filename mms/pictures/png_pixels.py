"""How much the pixels of a PNG unpack to."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

# libpng unpacks all that there is, behind the last row too: 1 GB a MB, in half a second.
CHECKED_BYTES = 2_000_000
_PIECE_BYTES = 1_000_000
# Over what the rows take: some encoders write a little more.
_SPARE_BYTES = 16_000_000


def is_longer(bodies: Iterable[bytes], rows_bytes: int) -> bool:
    """Whether chunks of pixels unpack to far more than the rows of the picture.

    Parameters
    ----------
    bodies
        What the chunks hold, in their order.
    rows_bytes
        What the rows take, unpacked.
    """
    unpacker, left = zlib.decompressobj(), rows_bytes + _SPARE_BYTES
    for body in bodies:
        while body and not unpacker.eof:
            try:
                left -= len(unpacker.decompress(body, _PIECE_BYTES))
            except zlib.error:
                # libpng says so itself, at the same place.
                return False
            if left < 0:
                return True
            body = unpacker.unconsumed_tail
    return False
