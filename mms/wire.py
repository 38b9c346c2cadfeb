"""Messages between the front process and a worker: length-prefixed frames.

A frame is a head of 13 bytes (kind, header length, body length; big endian), a
JSON header and a body of raw bytes. Nothing is pickled: an error crosses as the
name of its class and its message.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, Union

_HEAD = struct.Struct('!BIQ')
# Linux hands a Unix socket's reader at most about 208 KB at once.
_RECEIVE_BYTES = 256 * 1024

FROM_PART = 'part'
FROM_FIELD = 'field'


class ChannelClosed(Exception):
    """The process at the other end is gone, or is on its way out."""


class Socket(Protocol):
    """What a channel needs of a socket: the standard one and gevent's have it."""

    def sendall(self, data: Any) -> None: ...  # noqa: D102
    def recv_into(self, buffer: Any, nbytes: int = 0) -> int: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class RawInput(NamedTuple):
    """One input of a request, as the client sent it.

    Attributes
    ----------
    name
        The `data_name` of the signature.
    origin
        ``part``: the bytes of a file part; ``field``: a form field's text, UTF-8.
    data
        The bytes.
    """

    name: str
    origin: str
    data: bytes


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
    """Front to worker: the inputs of one prediction, in the signature's order."""

    inputs: Sequence[RawInput]


@dataclass(frozen=True)
class Reply:
    """Worker to front: a prediction as JSON text, and how long each stage took (ms)."""

    prediction: bytes
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

    def send(self, message: Message) -> None:
        """Send one message whole.

        Raises
        ------
        ChannelClosed
        """
        header, bodies = _pack(message)
        text = json.dumps(header).encode()
        head = _HEAD.pack(_KINDS.index(type(message)), len(text), sum(map(len, bodies)))
        try:
            self._socket.sendall(head + text)
            for body in bodies:
                if body:
                    self._socket.sendall(body)
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def receive(self) -> Message:
        """Wait for the next message.

        Raises
        ------
        ChannelClosed
        """
        kind, header_bytes, body_bytes = _HEAD.unpack(self._read(_HEAD.size))
        header = json.loads(bytes(self._read(header_bytes)))
        return _unpack(_KINDS[kind], header, self._read(body_bytes))

    def close(self) -> None:
        """Close this end; the other end sees :class:`ChannelClosed`."""
        self._socket.close()

    def _read(self, size: int) -> memoryview:
        view = memoryview(bytearray(size))
        got = 0
        while got < size:
            try:
                count = self._socket.recv_into(view[got:got + _RECEIVE_BYTES])
            except OSError as error:
                raise ChannelClosed(str(error)) from error
            if not count:
                raise ChannelClosed('end of stream')
            got += count
        return view


def _pack(message: Message) -> tuple[dict[str, Any], list[bytes]]:
    if isinstance(message, Request):
        sizes = [[item.name, item.origin, len(item.data)] for item in message.inputs]
        return {'inputs': sizes}, [item.data for item in message.inputs]
    if isinstance(message, Reply):
        return {'stage_times_ms': message.stage_times_ms}, [message.prediction]
    return dict(vars(message)), []


def _unpack(kind: type, header: dict[str, Any], body: memoryview) -> Message:
    if kind is Request:
        inputs, start = [], 0
        for name, origin, size in header['inputs']:
            inputs.append(RawInput(name, origin, bytes(body[start:start + size])))
            start += size
        return Request(inputs)
    if kind is Reply:
        return Reply(bytes(body), header['stage_times_ms'])
    message: Message = kind(**header)
    return message
