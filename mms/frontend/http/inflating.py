"""A request's body that its client has compressed, as it was before."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from mms.event_loop.in_thread import in_thread
from mms.frontend.http.body import UnsupportedEncoding, WrongBody, too_large
from mms.runtime.byte_budget import PIECE_BYTES, ByteBudget, ChunkedBuffer

# What zlib takes for each of them; its own words, on windowBits.
_CODINGS = {'gzip': 16 + zlib.MAX_WBITS, 'x-gzip': 16 + zlib.MAX_WBITS, 'deflate': zlib.MAX_WBITS}
_RAW = -zlib.MAX_WBITS
_NONE = ('', 'identity')
# Each takes 0.2 ms at most: a body of one is not worth a thread.
_PIECES_HERE, _PIECES_A_TURN = 2, 16
# A file of gzip may be several, one behind the other; many of nothing would be work for nothing.
_MOST_MEMBERS = 1000


def inflated(body: ChunkedBuffer, environ: dict[str, Any], most: int,
             budget: ByteBudget) -> ChunkedBuffer:
    """The body of a request without its ``Content-Encoding``; the same where it has none.

    Parameters
    ----------
    body
        As it came; what is read of it is forgotten.
    environ
        The WSGI environment of the request.
    most
        Bytes that it may have.
    budget
        Where its bytes count as held.

    Raises
    ------
    UnsupportedEncoding
        It is neither gzip nor deflate.
    WrongBody
        It is not what it is said to be.
    PayloadTooLarge
        It has more than `most` bytes.
    BuffersFull
        There is no room for it.
    """
    coding = environ.get('HTTP_CONTENT_ENCODING', '').strip().lower()
    if coding in _NONE:
        return body
    if coding not in _CODINGS:
        raise UnsupportedEncoding(f'The body is in the encoding {coding[:40]!r}: gzip and deflate '
                                  'are read.')
    try:
        return _whole(_pieces(body, coding), environ, most, budget)
    except (zlib.error, EOFError) as error:
        raise WrongBody(f'The body is not {coding}, as its Content-Encoding says, or not all of '
                        'it.') from error


def _whole(pieces: Iterator[bytes], environ: dict[str, Any], most: int,
           budget: ByteBudget) -> ChunkedBuffer:
    whole = ChunkedBuffer(budget)
    # In another server than this package's, who asks is alone in its thread, or process.
    do_beside = in_thread if 'mms.client_left' in environ else _do_here
    found = list(islice(pieces, _PIECES_HERE))
    while found:
        for piece in found:
            whole.append(piece)
        if len(whole) > most:
            raise too_large(most)
        found = do_beside(lambda: list(islice(pieces, _PIECES_A_TURN))) \
            if len(found) > 1 else []
    return whole


def _do_here(work: Callable[[], list[bytes]]) -> list[bytes]:
    return work()


def _pieces(body: ChunkedBuffer, coding: str) -> Iterator[bytes]:
    """Of `PIECE_BYTES` at most; some are empty, where there is much that says nothing."""
    window, members = _CODINGS[coding], 1
    inflater, is_begun = zlib.decompressobj(window), False
    for packed in body.consume():
        left = bytes(packed)
        while left:
            if inflater.eof:
                members += 1
                if window <= zlib.MAX_WBITS or members > _MOST_MEMBERS:
                    raise zlib.error('more than the data')
                inflater = zlib.decompressobj(window)
            try:
                piece = inflater.decompress(left, PIECE_BYTES)
            except zlib.error:
                if is_begun or window == _RAW or coding != 'deflate':
                    raise
                # Some clients leave out what zlib puts around it.
                window, inflater = _RAW, zlib.decompressobj(_RAW)
                continue
            is_begun = True
            left = inflater.unconsumed_tail or inflater.unused_data
            yield piece
    while not inflater.eof:
        piece = inflater.decompress(b'', PIECE_BYTES)
        if not piece:
            raise EOFError
        yield piece
