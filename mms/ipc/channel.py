"""Messages between the front process and a worker: length-prefixed frames.

A frame is a head of 13 bytes (kind, header length, body length; big endian), a
JSON header and a body of raw bytes. Nothing is pickled: an error crosses as the name of its class
and its message.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol, Union

from mms.devices.device import Device
from mms.errors import RequestError, error_name
from mms.ipc.context import Context
from mms.ipc.findings import Fusion, findings_of
from mms.ipc.messages import (
    Answered,
    Explore,
    Fork,
    Forked,
    Fuse,
    Fused,
    Import,
    Imported,
    Launch,
    Load,
    Loaded,
    Measure,
    Measured,
    Message,
    More,
    Ping,
    Pong,
    Ready,
    Reap,
    Reaped,
    Result,
    Unsuited,
    WarmUp,
    Work,
)
from mms.ipc.packing import pack, pieces, read_header
from mms.ipc.request import NO_HEADERS, Answer, Body, Content, Entries, Failure, Reply, Request
from mms.ipc.shape import (
    BrokenFrame,
    check_entries,
    check_header,
    check_places,
    check_reply,
    check_size,
)

_HEAD = struct.Struct('!BIQ')
# Linux hands a Unix socket's reader at most about 208 KB at once.
_RECEIVE_BYTES = 256 * 1024
# A small frame comes in one system call and leaves in one.
_SMALL_BYTES = 16 * 1024
# A signature of 8 MB, with the samples that it may have, all of it escaped.
_MOST_HEADER_BYTES = 64 * 1024**2
_DESCRIPTOR_BYTES = struct.calcsize('i')
# As many as one message brings.
_MOST_DESCRIPTORS = 3


class ChannelClosed(Exception):
    """The process at the other end is gone, or is on its way out."""


class Socket(Protocol):
    """What a channel needs of a socket: the standard one and gevent's have it."""

    def send(self, data: Any) -> int: ...  # noqa: D102
    def sendall(self, data: Any) -> None: ...  # noqa: D102
    def recv_into(self, buffer: Any, nbytes: int = 0) -> int: ...  # noqa: D102
    def sendmsg(self, buffers: Any, ancdata: Any = ()) -> int: ...  # noqa: D102
    def recvmsg_into(self, buffers: Any, ancbufsize: int = 0) -> Any: ...  # noqa: D102
    def fileno(self) -> int: ...  # noqa: D102
    def shutdown(self, how: int) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


_KINDS: tuple[type, ...] = (Load, Loaded, Ready, Fork, Forked, Reap, Reaped, Work, More,
                            Answered, Result, Failure, WarmUp, Measure, Measured, Ping, Pong,
                            Explore, Fuse, Fused, Import, Imported, Launch, Unsuited)
# Fields that hold findings.
_FINDINGS = {Ready: 'findings', Explore: 'known'}


class Channel:
    """Sends and receives messages over one connected stream socket."""

    def __init__(self, sock: Socket) -> None:
        self._socket = sock
        # What was received and not yet taken: one frame's end may bring the next one's head.
        self._buffer = memoryview(bytearray(_SMALL_BYTES))
        self._start = self._end = 0
        self._descriptors: list[int] = []

    def fileno(self) -> int:
        """The socket's file descriptor."""
        return self._socket.fileno()

    def send(self, message: Message) -> None:
        """Send one message whole.

        Raises
        ------
        ChannelClosed
        """
        header, contents = pack(message)
        size = sum(map(len, contents))
        head = _HEAD.pack(_KINDS.index(type(message)), len(header), size) + header
        try:
            if size <= _SMALL_BYTES:
                self._send_small(b''.join([head, *pieces(contents)]))
            else:
                self._socket.sendall(head)
                for piece in pieces(contents):
                    self._send_small(piece)
                    self._sent()
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def _sent(self) -> None:
        """Called when a piece of a large message was sent."""

    def _send_small(self, frame: Body) -> None:
        # gevent's sendall asks for the size of the socket's buffer each time.
        sent = self._socket.send(frame)
        if sent < len(frame):
            self._socket.sendall(memoryview(frame)[sent:])

    def receive(self) -> Message:
        """Wait for the next message.

        Raises
        ------
        ChannelClosed
        BrokenFrame
            What came is no message; nothing that comes after it can be understood.
        """
        kind, header_bytes, _ = _HEAD.unpack(self._read(_HEAD.size))
        if kind >= len(_KINDS) or header_bytes > _MOST_HEADER_BYTES:
            raise BrokenFrame(f'a message of kind {kind} with a header of {header_bytes} bytes')
        data = self._read(header_bytes)
        try:
            header = read_header(data)
            check_header(_KINDS[kind], header)
            return self._unpack(_KINDS[kind], header)
        except BrokenFrame:
            raise
        except (ValueError, TypeError, RecursionError, OverflowError, MemoryError) as error:
            # Not JSON, or lists within it that are shorter or longer than they should be, or sizes
            # that are beyond any memory.
            raise BrokenFrame(str(error)) from error

    def _unpack(self, kind: type, header: dict[str, Any]) -> Message:
        if kind is Work:
            header['requests'] = [
                Request(protocol, content_type, self._sized(size), Context(*context), *headers)
                for protocol, content_type, size, context, *headers in header['requests']]
        if kind in (Answered, Result):
            check_places(header['places'], header['answers'])
            header['answers'] = [self._answer(*head) for head in header['answers']]
        if kind is Load and header['device'] is not None:
            header['device'] = Device(*header['device'])
        if kind in (Load, Fuse):
            header['fused'] = tuple(Fusion(*one) for one in header.get('fused', ()))
        found = _FINDINGS.get(kind)
        if found and header.get(found) is not None:
            header[found] = findings_of(header[found])
        message: Message = kind(**header)
        return message

    def _sized(self, size: Any) -> Content:
        check_size(size)
        return self._content(size)

    def _answer(self, first: Union[int, str, list[Any]], second: Any, *more: Any) -> Answer:
        if isinstance(first, str):
            return Failure(first, str(second))
        if isinstance(first, list):
            return self._entries(first, second)
        check_size(first)
        check_reply(second, *more)
        try:
            return Reply(self._content(first), second, *more)
        except RequestError as error:
            return Failure(error_name(error), str(error))

    def _entries(self, heads: list[Any], name: Any) -> Answer:
        check_entries(heads, name)
        requests, failure = [], None
        for protocol, content_type, size, *headers in heads:
            try:
                requests.append(Request(protocol, content_type, self._content(size),
                                        headers=headers[0] if headers else NO_HEADERS))
            except RequestError as error:
                # Those behind it are in the frame all the same.
                requests.clear()
                failure = Failure(error_name(error), str(error))
        return failure or Entries(name, requests)

    def _content(self, size: int) -> Content:
        """Read so many bytes of a frame's body.

        Raises
        ------
        RequestError
            They were read, and left out.
        """
        return self._read(size)

    def is_quiet(self, seconds: float) -> bool:
        """Wait so long for a message at most; whether none began to come."""
        if self._start < self._end:
            return False
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        return not poll.poll(1000 * seconds)

    def take_no_more(self) -> None:
        """From now on the other end cannot send, and learns so; what is sent to it arrives."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def send_descriptors(self, descriptors: Sequence[int]) -> None:
        """Send open descriptors, at most 3; the other end has to know that they come now.

        Raises
        ------
        ChannelClosed
        """
        packed = struct.pack(f'{len(descriptors)}i', *descriptors)
        try:
            self._socket.sendmsg([b'.'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, packed)])
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def receive_descriptors(self) -> list[int]:
        """Wait for descriptors.

        Raises
        ------
        ChannelClosed
        """
        self._read(1)
        received, self._descriptors = self._descriptors, []
        return received

    def close(self) -> None:
        """Close this end; the other end sees :class:`ChannelClosed`."""
        self._socket.close()

    def _read(self, size: int) -> bytearray:
        end = self._start + size
        if end <= self._end:
            start, self._start = self._start, end
            return bytearray(self._buffer[start:end])
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
        space = socket.CMSG_SPACE(_MOST_DESCRIPTORS * _DESCRIPTOR_BYTES)
        try:
            count, ancillary, *_ = self._socket.recvmsg_into([view], space)
        except OSError as error:
            raise ChannelClosed(str(error)) from error
        if not count:
            raise ChannelClosed('end of stream')
        for _, _, packed in ancillary:
            self._descriptors += struct.unpack(f'{len(packed) // _DESCRIPTOR_BYTES}i', packed)
        return int(count)
