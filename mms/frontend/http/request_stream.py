"""A request's body as it comes over the wire: of a known length, or in chunks.

What pywsgi has for it reads chunks byte by byte, and trailers without end.
"""

from __future__ import annotations

import re
from typing import Any, Callable

from mms.event_loop.yielding import RunQueue, TimeSlice, yield_if_due
from mms.frontend.http.headers import BadHead, plain_headers, read_block

# RFC 9112, 7.1: a size of at most 64 bits, and extensions, which nobody knows.
_CHUNK_LINE = re.compile(rb'([0-9A-Fa-f]{1,16})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n')
_LONGEST_CHUNK_LINE = 8192
# What is not data may be so much, and so many times the data: chunks of a single byte have five
# bytes around each.
_FREE_FRAMING_BYTES = 64 * 1024
_MOST_FRAMING = 8


class RequestStream:
    """Of a known length.

    Parameters
    ----------
    stream
        The buffered stream of the connection.
    time_slice
        The connection's.
    length
        How many bytes the body has.
    go_on
        Called before the first byte is read: tells a client that waits for it to send the body.
    """

    def __init__(self, stream: Any, time_slice: TimeSlice, length: int,
                 go_on: Callable[[], None]) -> None:
        self._stream = stream
        self._time_slice = time_slice
        self._left = length
        self._go_on = go_on
        self.is_begun = False

    @property
    def is_over(self) -> bool:
        """Whether nothing of the body is left."""
        return not self._left

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, fewer at the end alone; all that are left for a negative size.

        Raises
        ------
        OSError
            The connection ended before the body.
        ValueError
            The body is broken.
        """
        if self.is_begun:
            self._time_slice.yield_if_over()
        elif size and not self.is_over:
            self.is_begun = True
            self._go_on()
        return self._read(size)

    def _read(self, size: int) -> bytes:
        data = self._take(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data

    def _take(self, size: int) -> bytes:
        data: bytes = self._stream.read(size) if size else b''
        yield_if_due(RunQueue.END if len(data) < size else RunQueue.WORK)
        if len(data) < size:
            raise OSError('the connection ended before the body')
        return data


class ChunkedStream(RequestStream):
    """In chunks.

    Parameters
    ----------
    head_bytes
        Most bytes that the trailers may have.
    head_lines
        Most lines that they may have.
    hold
        Called with the number of bytes of each piece of them.
    """

    def __init__(self, stream: Any, time_slice: TimeSlice, head_bytes: int, head_lines: int,
                 go_on: Callable[[], None], hold: Callable[[int], None]) -> None:
        super().__init__(stream, time_slice, 0, go_on)
        self._head_bytes = head_bytes
        self._head_lines = head_lines
        self._hold = hold
        self._is_over = False
        self._framing = self._data = 0

    @property
    def is_over(self) -> bool:
        """Whether the last chunk, and what follows it, was read."""
        return self._is_over

    def _read(self, size: int) -> bytes:
        pieces: list[bytes] = []
        while size and not self._is_over:
            if not self._left:
                self._begin_chunk()
                continue
            piece = self._take(self._left if size < 0 else min(size, self._left))
            pieces.append(piece)
            self._left -= len(piece)
            self._data += len(piece)
            size -= len(piece) if size > 0 else 0
            if not self._left and self._take(2) != b'\r\n':
                raise ValueError('a chunk does not end where it should')
            self._time_slice.yield_if_over()
        return b''.join(pieces)

    def _begin_chunk(self) -> None:
        line = self._stream.readline(_LONGEST_CHUNK_LINE)
        yield_if_due()
        found = _CHUNK_LINE.fullmatch(line)
        if not found:
            raise ValueError('a chunk does not begin with its size')
        self._framing += len(line) + 2
        if self._framing > _FREE_FRAMING_BYTES + _MOST_FRAMING * self._data:
            raise ValueError('its chunks hold hardly any data')
        self._left = int(found[1], 16)
        if not self._left:
            self._end()

    def _end(self) -> None:
        try:
            plain_headers(read_block(self._stream, self._head_bytes, self._head_lines, self._hold),
                          self._head_bytes, self._head_lines)
        except EOFError:
            raise OSError('the connection ended before the body') from None
        except BadHead as error:
            raise ValueError(f'of its trailers, {error}') from error
        self._is_over = True
