"""One process that posts at a fixed rate: ``python load_client.py PLAN``; see timed_load.py.

Requests are due at even distances, whatever became of those before them. Each goes out on the
connection that has been free for longest, or waits until one is; its time counts from when
it was due, so that a server that stands still is charged for every request that it kept from
being sent (as wrk2 does it). A rate of 0 sends on each connection as soon as it is free.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import select
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from body import Body

END_OF_HEAD = b'\r\n\r\n'
LENGTH = re.compile(rb'\r\nContent-Length: *(\d+)', re.IGNORECASE)
GOOD = b'200'
RECEIVED_BYTES = 1 << 16
# The clock ticks at each request that is due; no more often than it can be looked at.
SHORTEST_TICK_S = 0.0001
# It ticks on once its number is read.
TICKS_BYTES = 8
# After the last request is due: how long its answer, and those before it, are waited for.
GRACE_S = 10
# What is sent is made before the clock starts, for as long as nothing of it differs.
START_S = 0.05


@dataclass(frozen=True)
class Plan:
    """What is posted: `path` of `port`, on so many connections, `rate` a second for `seconds`,
    the first request `delay_s` later than the clock's start.
    """

    port: int
    path: str
    connections: int
    rate: float
    seconds: float
    delay_s: float
    files: tuple[str, ...]
    content_type: str
    is_fixed: bool

    def requests(self) -> Iterator[bytes]:
        """One request after the other."""
        files = [Path(file) for file in self.files]
        body = Body(files[0], self.content_type, tuple(files[1:]), self.is_fixed)
        made: dict[tuple[int, str], bytes] = {}
        for content, content_type in body.requests():
            # Equal contents are one object there, unless each has a boundary of its own.
            key = (id(content), content_type)
            request = made.get(key) or self._request(content, content_type)
            if self.is_fixed or not body.boundary:
                made[key] = request
            yield request

    def _request(self, content: bytes, content_type: str) -> bytes:
        return (f'POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n'
                f'Content-Type: {content_type}\r\nContent-Length: {len(content)}\r\n\r\n'
                ).encode() + content


class Connection:
    """A connection with one request at a time on its way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.free_since = 0.0
        self.due = 0.0
        self.is_busy = False
        self._received = b''
        self._whole = 0

    def send(self, request: bytes, due: float) -> None:
        """Send the next request."""
        self.due, self.is_busy, self._received, self._whole = due, True, b'', 0
        self.socket.sendall(request)

    def read(self) -> Optional[bytes]:
        """Take what has come; return the status once the answer is whole, of a closed
        connection an empty one.
        """
        try:
            data = self.socket.recv(RECEIVED_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        if not data:
            return b''
        self._received = self._received + data if self._received else data
        if not self._whole:
            end = self._received.find(END_OF_HEAD)
            if end < 0:
                return None
            length = LENGTH.search(self._received, 0, end + 2)
            if length is None:
                raise SystemExit(f'an answer without Content-Length: {self._received[:end]!r}')
            self._whole = end + len(END_OF_HEAD) + int(length[1])
        return self._received[9:12] if len(self._received) >= self._whole else None


class Client:
    """The loop of one plan.

    Attributes
    ----------
    times_us
        Of each good answer, from when its request was due, in the order of the answers.
    lags_us
        Of each request, how long this client itself kept it, from when it was due and a
        connection free.
    """

    def __init__(self, plan: Plan) -> None:
        self.times_us: list[int] = []
        self.lags_us: list[int] = []
        self.good_in_time = self.errors = self.unanswered = 0
        self._plan = plan
        self._poll = select.epoll()
        self._free: deque[Connection] = deque()
        self._by_number: dict[int, Connection] = {}
        for _ in range(plan.connections):
            self._connect()

    def run(self) -> float:
        """Post until the time is over; returns the processor seconds that it took."""
        plan, requests = self._plan, self._plan.requests()
        begin = time.monotonic() + START_S + plan.delay_s
        end, every = begin + plan.seconds, 1 / plan.rate if plan.rate else 0.0
        number, last = 0, round(plan.rate * plan.seconds)
        clock = ticks(begin, max(every, SHORTEST_TICK_S) if every else plan.seconds)
        self._poll.register(clock, select.EPOLLIN)
        cpu_s = time.process_time()
        while True:
            now = time.monotonic()
            while self._free and now >= begin and (number < last if every else now < end):
                due = begin + number * every if every else max(now, begin)
                if due > now:
                    break
                number += 1
                self._send(next(requests), due)
                now = time.monotonic()
            busy = len(self._by_number) - len(self._free)
            if (now > end and not busy and (number >= last or not every)) or now > end + GRACE_S:
                break
            for file, _ in self._poll.poll(GRACE_S):
                if file == clock:
                    os.read(clock, TICKS_BYTES)
                else:
                    self._take(self._by_number[file], end)
        self.unanswered = busy + (last - number if every else 0)
        os.close(clock)
        return time.process_time() - cpu_s

    def _connect(self) -> None:
        connection = Connection(self._plan.port)
        self._poll.register(connection.socket, select.EPOLLIN)
        self._by_number[connection.socket.fileno()] = connection
        self._free.append(connection)

    def _send(self, request: bytes, due: float) -> None:
        connection = self._free.popleft()
        could = max(due, connection.free_since)
        self.lags_us.append(int((time.monotonic() - could) * 1e6))
        try:
            connection.send(request, due)
        except OSError:
            self._lose(connection)

    def _take(self, connection: Connection, end: float) -> None:
        try:
            status = connection.read()
        except OSError:
            status = b''
        if status is None:
            return
        now = connection.free_since = time.monotonic()
        if status == b'':
            self._lose(connection)
            return
        if status == GOOD:
            self.times_us.append(int((now - connection.due) * 1e6))
            self.good_in_time += now <= end
        else:
            self.errors += 1
        connection.is_busy = False
        self._free.append(connection)

    def _lose(self, connection: Connection) -> None:
        """Go on with another; a server may end one that rests, a request lost is an error."""
        self.errors += connection.is_busy
        if connection in self._free:
            self._free.remove(connection)
        del self._by_number[connection.socket.fileno()]
        self._poll.unregister(connection.socket)
        connection.socket.close()
        self._connect()


def ticks(begin: float, every: float) -> int:
    """Return a file that can be read at `begin` of the monotonic clock and `every` s after it.

    A timeout of epoll has whole milliseconds.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    file = libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    pairs = [(int(value), int(value % 1 * 1e9)) for value in (every, begin)]
    is_absolute = 1
    if file < 0 or libc.timerfd_settime(
            file, is_absolute, struct.pack('4q', *pairs[0], *pairs[1]), None):
        raise OSError(ctypes.get_errno(), 'no timer')
    return int(file)


def main() -> None:
    """Run the plan of the command line, and print what came of it as JSON."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    client = Client(Plan(**{**given, 'files': tuple(given['files'])}))
    gc.collect()
    gc.freeze()
    cpu_s = client.run()
    print(json.dumps({
        'times_us': client.times_us, 'lags_us': client.lags_us, 'errors': client.errors,
        'good_in_time': client.good_in_time, 'unanswered': client.unanswered, 'cpu_s': cpu_s}))


if __name__ == '__main__':
    main()
