"""Bodies that a web server compresses, though it was asked not to, a bounded piece at a time."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

_PIECE_BYTES = 1024**2
# Formats that zlib is to expect; zlib's own words, on windowBits.
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_KNOWN = ('gzip', 'x-gzip', 'deflate')


class Undecodable(Exception):
    """The text says what is wrong with the body."""


def decoded(data: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The contents of a body.

    Parameters
    ----------
    data
        The body as it came.
    encoding
        Its ``Content-Encoding``.

    Raises
    ------
    Undecodable
        It is of another encoding, or broken.
    """
    encoding = encoding.strip().lower()
    if encoding in ('', 'identity'):
        yield from data
        return
    if encoding not in _KNOWN:
        raise Undecodable(f'the server sends it in the encoding {encoding[:40]!r}, which it was '
                          'not asked for')
    decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        for chunk in data:
            while chunk and not decompressor.eof:
                yield decompressor.decompress(chunk, _PIECE_BYTES)
                chunk = decompressor.unconsumed_tail
        yield decompressor.flush(_PIECE_BYTES)
    except zlib.error as exc:
        raise Undecodable(f'the body is no {encoding}') from exc
    if not decompressor.eof:
        raise Undecodable(f'the body is no whole {encoding}')
