"""One end of the connection between the server and a front."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, Optional, Union

import gevent
from gevent import socket
from gevent.event import AsyncResult, Event
from gevent.lock import Semaphore

from mms.event_loop.guard import FAULTS, report
from mms.event_loop.yielding import PollTracker, TimeSlice, yield_if_due
from mms.fronts.frames import Frame, FrameReader, Kind, packed
from mms.ipc.request import Body
from mms.runtime.byte_budget import PIECE_BYTES, ChunkedBuffer

_RECEIVE_BYTES = 256 * 1024
# Of bodies no more is put behind what waits to be sent.
_ROOM_BYTES = 512 * 1024

Verbs = dict[str, Callable[..., Any]]
Handler = Callable[[Frame], None]


class LinkClosed(Exception):
    """The other end has gone."""


class Link:
    """Sends frames together, and hands on those that come.

    Parameters
    ----------
    sock
        A connected stream socket of gevent's; it is closed at the end.
    verbs
        What the other end may ask for: each is called in a greenlet of its own, with what the other
        end gives, and what it returns is sent back.
    handlers
        Kind of a frame -> what is called with each of them; it must not wait.
    """

    def __init__(self, sock: socket.socket, verbs: Verbs,
                 handlers: Mapping[int, Handler]) -> None:
        self._socket = sock
        self._verbs = verbs
        self._handlers: dict[int, Handler] = {
            **handlers, Kind.CALL: self._called, Kind.RETURN: self._returned}
        self._loop = gevent.get_hub().loop
        self._writable = self._loop.io(sock.fileno(), 2)
        self._waiting: list[Body] = []
        self._waiting_bytes = 0
        self._is_due = False
        self._room = Event()
        self._room.set()
        # Those who wait for room get it one by one.
        self._turn = Semaphore()
        self._calls: dict[int, AsyncResult] = {}
        self._numbers = count(1)
        self.is_closed = False

    def send(self, kind: Kind, number: int, header: Any = None, body: Body = b'') -> None:
        """Send a frame soon, with others; never waits."""
        if self.is_closed:
            return
        frame = packed(kind, number, header, body)
        self._waiting.append(frame)
        self._waiting_bytes += len(frame)
        if self._waiting_bytes > _ROOM_BYTES:
            self._room.clear()
        if not self._is_due:
            self._is_due = True
            self._loop.run_callback(self.flush)

    def send_content(self, kind: Kind, number: int, header: Any,
                     content: Union[Body, ChunkedBuffer]) -> None:
        """Send a frame whose body may be large, piece by piece: others have their turns between.

        What counts in a budget does so until there is room for it here.

        Raises
        ------
        LinkClosed
        """
        if len(content) <= PIECE_BYTES:
            if isinstance(content, ChunkedBuffer):
                self._wait_for_room()
                content = content.take()
            self.send(kind, number, header, content)
            return
        self.send(kind, number, header)
        left, time_slice = len(content), TimeSlice()
        pieces = content.hand_over() if isinstance(content, ChunkedBuffer) else _cut(content)
        while left:
            self._wait_for_room()
            piece = next(pieces)
            left -= len(piece)
            self.send(Kind.PIECE, number, None, piece)
            time_slice.yield_if_over()

    def call(self, verb: str, *arguments: Any, seconds: Optional[float] = None) -> Any:
        """What the other end's `verb` returned.

        Raises
        ------
        LinkClosed
            It has gone.
        TimeoutError
            It has not answered within `seconds`.
        """
        number, answer = next(self._numbers), AsyncResult()
        if self.is_closed:
            raise LinkClosed
        self._calls[number] = answer
        try:
            self.send(Kind.CALL, number, [verb, *arguments])
            answer.wait(seconds)
        finally:
            self._calls.pop(number, None)
        if not answer.ready():
            raise TimeoutError(verb)
        if answer.exception is not None:
            raise LinkClosed
        return answer.value

    def tell(self, verb: str, *arguments: Any) -> None:
        """Have the other end do something, and do not wait for it."""
        self.send(Kind.CALL, 0, [verb, *arguments])

    def run(self) -> None:
        """Hand on what comes, until the other end has gone, or this one is closed."""
        reader, turns = FrameReader(), PollTracker()
        try:
            while True:
                data = self._receive()
                if not data:
                    return
                reader.feed(data)
                frame = reader.next()
                while frame is not None:
                    yield_if_due()
                    if self.is_closed:
                        return
                    self._hand_on(frame)
                    frame = reader.next()
                turns.yield_unless_polled()
        finally:
            self.close()

    def flush(self) -> None:
        """Send what waits, as far as the other end takes it."""
        self._is_due = False
        if self.is_closed or self._writable.active or not self._waiting:
            return
        data = self._waiting[0] if len(self._waiting) == 1 else b''.join(self._waiting)
        try:
            sent = self._socket._sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            # Who reads sees the end, too.
            self._waiting, self._waiting_bytes = [], 0
            self._room.set()
            return
        self._waiting_bytes -= sent
        self._waiting = [] if sent == len(data) else [data[sent:]]
        if self._waiting:
            self._writable.start(self._go_on)
        if self._waiting_bytes <= _ROOM_BYTES // 2:
            self._room.set()

    def close(self) -> None:
        """Close this end; whoever waits for an answer is told. Safe to call twice."""
        if self.is_closed:
            return
        self.is_closed = True
        self._writable.stop()
        self._writable.close()
        self._waiting = []
        self._room.set()
        for answer in list(self._calls.values()):
            answer.set_exception(LinkClosed())
        with suppress(OSError):
            self._socket.close()

    def _wait_for_room(self) -> None:
        if not self._room.is_set() or self._turn.locked():
            with self._turn:
                self._room.wait()
        if self.is_closed:
            raise LinkClosed

    def _receive(self) -> bytes:
        """Empty at the end."""
        try:
            data: bytes = self._socket.recv(_RECEIVE_BYTES)
            return data
        except OSError:
            return b''

    def _go_on(self) -> None:
        self._writable.stop()
        self.flush()

    def _hand_on(self, frame: Frame) -> None:
        try:
            self._handlers[frame.kind](frame)
        except FAULTS:
            report('what a front process has sent')

    def _called(self, frame: Frame) -> None:
        verb, *arguments = frame.header
        gevent.spawn(self._answer, frame.number, partial(self._verbs[verb], *arguments))

    def _answer(self, number: int, work: Callable[[], Any]) -> None:
        value = None
        try:
            value = work()
        except FAULTS:
            report('what a front process was asked')
        if number:
            self.send(Kind.RETURN, number, value)

    def _returned(self, frame: Frame) -> None:
        answer = self._calls.get(frame.number)
        if answer is not None:
            answer.set(frame.header)


def _cut(content: Body) -> Any:
    return (content[start:start + PIECE_BYTES] for start in range(0, len(content), PIECE_BYTES))
