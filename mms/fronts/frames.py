"""What the server and its fronts say to each other: length-prefixed frames, as workers have them.

A frame is a head of 17 bytes (kind, number, header length, body length; big endian), a header and
a body of raw bytes. Many requests are on their way at once: each has a number. Both ends are
processes of one installation, and neither runs the code of a model: the header is written by
Python's marshal, which takes a tenth of the time of JSON.
"""

from __future__ import annotations

import marshal
import struct
from enum import IntEnum
from typing import Any, NamedTuple

from mms.ipc.request import Body

_HEAD = struct.Struct('!BQII')


class Kind(IntEnum):
    """What a frame is."""

    # Either way: something is asked of the other, and answered.
    CALL = 0
    RETURN = 1
    # A part of the body of what was begun under its number.
    PIECE = 2
    # Front to server.
    PREDICT = 3
    LEFT = 4
    FORWARD = 5
    COUNTED = 6
    CLOSED = 7
    # Server to front.
    REPLY = 8
    FAILURE = 9
    RESPONSE = 10


class Frame(NamedTuple):
    """One message.

    Attributes
    ----------
    kind
        What it is.
    number
        Of the request that it is about; 0 for none.
    header
        Plain values, and lists and dictionaries of them.
    body
        The first piece of what belongs to it, or all.
    """

    kind: int
    number: int
    header: Any
    body: bytes


def packed(kind: Kind, number: int, header: Any = None, body: Body = b'') -> bytes:
    """A frame as it is sent."""
    data = b'' if header is None else marshal.dumps(header)
    return b''.join((_HEAD.pack(kind, number, len(data), len(body)), data, body))


class FrameReader:
    """Makes frames of what comes."""

    def __init__(self) -> None:
        self._data = b''
        self._start = 0

    def feed(self, data: bytes) -> None:
        """More has come."""
        self._data = self._data[self._start:] + data if self._start < len(self._data) else data
        self._start = 0

    def next(self) -> Any:
        """The next frame; None where it has not come whole."""
        data, start = self._data, self._start
        begin = start + _HEAD.size
        if len(data) < begin:
            return None
        kind, number, header_bytes, body_bytes = _HEAD.unpack_from(data, start)
        middle = begin + header_bytes
        end = middle + body_bytes
        if len(data) < end:
            return None
        self._start = end
        header = marshal.loads(data[begin:middle]) if header_bytes else None
        return Frame(kind, number, header, data[middle:end])
