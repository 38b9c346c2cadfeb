"""Messages between the front process and a worker: length-prefixed frames.

A frame is a head of 13 bytes (kind, header length, body length; big endian), a
JSON header and a body of raw bytes. Nothing is pickled: an error crosses as the
name of its class and its message.
"""

from __future__ import annotations

import json
import socket
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
    def sendmsg(self, buffers: Any, ancdata: Any = ()) -> int: ...  # noqa: D102
    def recvmsg(self, size: int, ancsize: int = 0) -> Any: ...  # noqa: D102
    def fileno(self) -> int: ...  # noqa: D102
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
    """Front to a process, once: the model to load.

    Attributes
    ----------
    gpu
        Number of the GPU to run on; None for the CPU.
    threads
        Processor threads of one operator, in a worker that is not forked from a template.
    warm_up
        Whether to run the model once, and measure it, before it is ready.
    optimize
        Whether Gluon networks may be fused.
    batch_size
        Most requests that are run together; None to find out what pays.
    weigh
        Whether each :class:`Result` is to say how much memory the process has.
    """

    endpoint: str
    model_name: str
    model_dir: str
    manifest: dict[str, Any]
    service_file: str
    gpu: Union[int, None]
    max_image_pixels: int
    threads: int = 1
    warm_up: bool = True
    optimize: bool = True
    batch_size: Union[int, None] = None
    weigh: bool = False


@dataclass(frozen=True)
class Loaded:
    """Process to front: the service is constructed; what comes now is the warm-up."""


@dataclass(frozen=True)
class Ready:
    """Process to front, once: the model is loaded and answers.

    The signature is the live one, since a service may change or replace it.

    Attributes
    ----------
    unforkable
        Why no worker can be forked from this process; an empty string when it can be.
    batch_size
        Most requests that it pays to run together; 1 when they are run one by one.
    proven
        Whether the service says of itself that running them together changes no answer.
    """

    signature: dict[str, Any]
    service_class: str
    unforkable: str = ''
    batch_size: int = 1
    proven: bool = False


@dataclass(frozen=True)
class Fork:
    """Front to template: fork a worker of so many threads. Three descriptors follow."""

    threads: int


@dataclass(frozen=True)
class Forked:
    """Template to front: the process id of a new worker, or the reason why there is none."""

    pid: int
    reason: str = ''


@dataclass(frozen=True)
class Reap:
    """Front to template: has this worker ended?"""

    pid: int


@dataclass(frozen=True)
class Reaped:
    """Template to front: a worker's exit status, -N for signal N; None while it runs."""

    status: Union[int, None]


@dataclass(frozen=True)
class Request:
    """The inputs of one prediction, in the signature's order."""

    inputs: Sequence[RawInput]


ALONE, TRIAL, JOINT = 'alone', 'trial', 'joint'


@dataclass(frozen=True)
class Work:
    """Front to worker: requests to answer.

    Attributes
    ----------
    requests
        One or more; none only in answer to :class:`More`.
    how
        `ALONE`: one after the other. `TRIAL`: the same, and then together, to compare.
        `JOINT`: together.
    room
        How many more the worker may ask for before it runs them together.
    """

    requests: Sequence[Request]
    how: str = ALONE
    room: int = 0


@dataclass(frozen=True)
class More:
    """Worker to front: up to so many more requests could join those in hand."""

    room: int


@dataclass(frozen=True)
class Reply:
    """A prediction as JSON text, and how long each stage took (ms)."""

    prediction: bytes
    stage_times_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """The name of an error class of :mod:`mms.errors`, and its message."""

    error: str
    message: str


Answer = Union[Reply, Failure]


@dataclass(frozen=True)
class Result:
    """Worker to front: the answers to all requests in hand, in their order.

    Attributes
    ----------
    compared
        Of a trial: whether the two ways could be compared.
    refusal
        Of a trial: why the service's requests cannot be run together.
    memory_bytes
        Private memory of the worker, if the front wants to know.
    """

    answers: Sequence[Answer]
    compared: bool = False
    refusal: str = ''
    memory_bytes: int = 0


@dataclass(frozen=True)
class Ping:
    """Front to worker: is the service well?"""


@dataclass(frozen=True)
class Pong:
    """Worker to front: what the service's ``ping`` said; an empty reason means well."""

    reason: str


Message = Union[Load, Loaded, Ready, Fork, Forked, Reap, Reaped, Work, More, Result, Failure, Ping,
                Pong]
_KINDS: tuple[type, ...] = (Load, Loaded, Ready, Fork, Forked, Reap, Reaped, Work, More, Result,
                            Failure, Ping, Pong)


class Channel:
    """Sends and receives messages over one connected stream socket."""

    def __init__(self, sock: Socket) -> None:
        self._socket = sock

    def fileno(self) -> int:
        """The socket's file descriptor."""
        return self._socket.fileno()

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

    def send_descriptors(self, descriptors: Sequence[int]) -> None:
        """Send open descriptors; both ends have to know that they come now.

        Raises
        ------
        ChannelClosed
        """
        packed = struct.pack(f'{len(descriptors)}i', *descriptors)
        try:
            self._socket.sendmsg([b'.'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, packed)])
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def receive_descriptors(self, count: int) -> list[int]:
        """Wait for descriptors, which are closed in programs that this process starts.

        Raises
        ------
        ChannelClosed
        """
        form = struct.Struct(f'{count}i')
        try:
            data, ancillary, *_ = self._socket.recvmsg(1, socket.CMSG_SPACE(form.size))
        except OSError as error:
            raise ChannelClosed(str(error)) from error
        if not data or not ancillary:
            raise ChannelClosed('end of stream')
        return list(form.unpack(ancillary[0][2]))

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
    if isinstance(message, Work):
        heads = [[[item.name, item.origin, len(item.data)] for item in request.inputs]
                 for request in message.requests]
        header = {'requests': heads, 'how': message.how, 'room': message.room}
        return header, [item.data for request in message.requests for item in request.inputs]
    if isinstance(message, Result):
        heads = [_answer_head(answer) for answer in message.answers]
        header = {**vars(message), 'answers': heads}
        return header, [answer.prediction for answer in message.answers
                        if isinstance(answer, Reply)]
    return dict(vars(message)), []


def _answer_head(answer: Answer) -> list[Any]:
    if isinstance(answer, Reply):
        return [len(answer.prediction), answer.stage_times_ms]
    return [answer.error, answer.message]


def _unpack(kind: type, header: dict[str, Any], body: memoryview) -> Message:
    take = _Slices(body)
    if kind is Work:
        header['requests'] = [
            Request([RawInput(name, origin, take(size)) for name, origin, size in inputs])
            for inputs in header['requests']]
    if kind is Result:
        header['answers'] = [
            Failure(first, second) if isinstance(first, str) else Reply(take(first), second)
            for first, second in header['answers']]
    message: Message = kind(**header)
    return message


class _Slices:
    """One after the other, the parts of a frame's body."""

    def __init__(self, body: memoryview) -> None:
        self._body = body
        self._at = 0

    def __call__(self, size: int) -> bytes:
        part = bytes(self._body[self._at:self._at + size])
        self._at += size
        return part
