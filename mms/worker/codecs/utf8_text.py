"""UTF-8 in bytes, looked at piece by piece: as one text they may take four times as much memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

_PIECE_BYTES = 1 << 20


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are a text."""
    if data.isascii():
        return True
    try:
        for _ in decoded(data, 'strict'):
            pass
    except UnicodeDecodeError:
        return False
    return True


def decoded(data: bytes, errors: str) -> Iterator[str]:
    """The text, in pieces."""
    decoder = codecs.getincrementaldecoder('utf-8')(errors)
    view = memoryview(data)
    for start in range(0, len(view), _PIECE_BYTES):
        yield decoder.decode(view[start:start + _PIECE_BYTES], start + _PIECE_BYTES >= len(view))
