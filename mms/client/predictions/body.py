"""The body of a request in pieces, with a look at the clock between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Callable, Optional

import httpx

from mms.client.predictions.failures import OutOfTime

_PIECE = 64 * 2**10

Left = Callable[[], Optional[float]]


def look_at(left: Left) -> None:
    """Raise OutOfTime where no time is left."""
    seconds = left()
    if seconds is not None and seconds <= 0:
        raise OutOfTime('out of time')


class PacedBody(httpx.SyncByteStream):
    """A body that ends with OutOfTime where its client has no more time.

    Of one large piece, HTTPX would begin to count anew each time the server has taken some of it.

    Parameters
    ----------
    body
        Of HTTPX.
    left
        Tells the seconds that are left.
    """

    def __init__(self, body: httpx.SyncByteStream, left: Left) -> None:
        self._body, self._left = body, left

    def __iter__(self) -> Iterator[bytes]:
        for content in self._body:
            for start in range(0, len(content), _PIECE):
                look_at(self._left)
                yield content[start:start + _PIECE]
