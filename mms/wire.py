"""Messages between the front process and a worker: length-prefixed frames.

A frame is a head of 13 bytes (kind, header length, body length; big endian), a
header and a body of raw bytes. The header is JSON, a request's is its content type.
Nothing is pickled: an error crosses as the name of its class and its message.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any, Protocol, Union

_HEAD = struct.Struct('!BIQ')
# Linux hands a Unix socket's reader at most about 208 KB at once.
_RECEIVE_BYTES = 256 * 1024
# A small frame comes in one system call and leaves in one.
_SMALL_BYTES = 16 * 1024

Body = Union[bytes, bytearray]


class ChannelClosed(Exception):
    """The process at the other end is gone, or is on its way out."""


class Socket(Protocol):
    """What a channel needs of a socket: the standard one and gevent's have it."""

    def send(self, data: Any) -> int: ...  # noqa: D102
    def sendall(self, data: Any) -> None: ...  # noqa: D102
    def recv_into(self, buffer: Any, nbytes: int = 0) -> int: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class Load:
    """Front to worker, once: the model to load."""

    endpoint: str
    model_name: str
    model_dir: str
    manifest: dict[str, Any]
    service_file: str
    gpu: Union[int, None]
    max_image_pixels: int


@dataclass(frozen=True)
class Ready:
    """Worker to front, once: the model is loaded and answers.

    The signature is the live one, since a service may change or replace it.
    """

    signature: dict[str, Any]
    service_class: str


@dataclass(frozen=True)
class Request:
    """Front to worker: a form as the client sent it, with its ``Content-Type``."""

    content_type: str
    body: Body


@dataclass(frozen=True)
class Reply:
    """Worker to front: a prediction as JSON text, and how long each stage took (ms)."""

    prediction: Body
    stage_times_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """Worker to front: the name of an error class of :mod:`mms.errors`, and its message."""

    error: str
    message: str


@dataclass(frozen=True)
class Ping:
    """Front to worker: is the service well?"""


@dataclass(frozen=True)
class Pong:
    """Worker to front: what the service's ``ping`` said; an empty reason means well."""

    reason: str


Message = Union[Load, Ready, Request, Reply, Failure, Ping, Pong]
_KINDS: tuple[type, ...] = (Load, Ready, Request, Reply, Failure, Ping, Pong)


class Channel:
    """Sends and receives messages over one connected stream socket."""

    def __init__(self, sock: Socket) -> None:
        self._socket = sock
        # What was received and not yet taken: one frame's end may bring the next one's head.
        self._buffer = memoryview(bytearray(_SMALL_BYTES))
        self._start = self._end = 0

    def send(self, message: Message) -> None:
        """Send one message whole.

        Raises
        ------
        ChannelClosed
        """
        header, body = _pack(message)
        head = _HEAD.pack(_KINDS.index(type(message)), len(header), len(body)) + header
        try:
            if len(body) <= _SMALL_BYTES:
                self._send_small(head + body)
            else:
                self._socket.sendall(head)
                self._socket.sendall(body)
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def _send_small(self, frame: bytes) -> None:
        # gevent's sendall asks for the size of the socket's buffer each time.
        sent = self._socket.send(frame)
        if sent < len(frame):
            self._socket.sendall(frame[sent:])

    def receive(self) -> Message:
        """Wait for the next message.

        Raises
        ------
        ChannelClosed
        """
        kind, header_bytes, body_bytes = _HEAD.unpack(self._read(_HEAD.size))
        header = self._read(header_bytes)
        return _unpack(_KINDS[kind], header, self._read(body_bytes))

    def close(self) -> None:
        """Close this end; the other end sees :class:`ChannelClosed`."""
        self._socket.close()

    def _read(self, size: int) -> bytearray:
        data = bytearray(size)
        with memoryview(data) as view:
            got = self._take(view)
            while got < size:
                rest = view[got:]
                if len(rest) < _SMALL_BYTES:
                    self._start, self._end = 0, self._receive(self._buffer)
                    got += self._take(rest)
                else:
                    got += self._receive(rest[:_RECEIVE_BYTES])
        return data

    def _take(self, view: memoryview) -> int:
        """Copy what was received already, as far as it fits; how much that was."""
        count = min(len(view), self._end - self._start)
        view[:count] = self._buffer[self._start:self._start + count]
        self._start += count
        return count

    def _receive(self, view: memoryview) -> int:
        try:
            count = self._socket.recv_into(view)
        except OSError as error:
            raise ChannelClosed(str(error)) from error
        if not count:
            raise ChannelClosed('end of stream')
        return count


def _pack(message: Message) -> tuple[bytes, Body]:
    if isinstance(message, Request):
        return message.content_type.encode('utf-8', 'surrogatepass'), message.body
    if isinstance(message, Reply):
        return json.dumps({'stage_times_ms': message.stage_times_ms}).encode(), message.prediction
    return json.dumps(vars(message)).encode(), b''


def _unpack(kind: type, header: bytearray, body: bytearray) -> Message:
    if kind is Request:
        return Request(header.decode('utf-8', 'surrogatepass'), body)
    if kind is Reply:
        return Reply(body, **json.loads(header))
    message: Message = kind(**json.loads(header))
    return message
