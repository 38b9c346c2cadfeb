"""How much the pixels of a PNG unpack to."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

# libpng unpacks all that there is, behind the last row too: 1 GB a MB, in half a second.
CHECKED_BYTES = 2_000_000
_PIECE_BYTES = 1_000_000
_PACKED_BYTES = 16_384
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
    try:
        for piece in _pieces(bodies):
            while piece and not unpacker.eof:
                left -= len(unpacker.decompress(piece, _PIECE_BYTES))
                if left < 0:
                    return True
                piece = unpacker.unconsumed_tail
    except zlib.error:
        # libpng says so itself, at the same place.
        pass
    return False


def _pieces(bodies: Iterable[bytes]) -> Iterator[bytes]:
    """What is left of a piece is copied each time that more of it is unpacked."""
    for body in bodies:
        for start in range(0, len(body), _PACKED_BYTES):
            yield body[start:start + _PACKED_BYTES]
