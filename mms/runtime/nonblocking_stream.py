"""Writes to a pipe or a terminal that may not be read for a while, and never waits for it."""

from __future__ import annotations

import os
import select
import stat
import time
from collections import deque
from contextlib import suppress
from typing import Any, TextIO

# Of what cannot be opened once more, to be written without waiting: a pipe that is ready takes so
# much at once (POSIX).
_PIECE_BYTES = select.PIPE_BUF
# What waits to be read: some thousand lines.
_MOST_WAITING_BYTES = 1024 * 1024


class NonblockingStream:
    """What a log handler writes to, before a stream.

    Where a reader has stopped (Ctrl-S on a terminal, a collector of logs that hangs), what is
    written waits, up to a megabyte; then lines are left out, and a line tells how many.

    Parameters
    ----------
    stream
        Has a file descriptor.

    Attributes
    ----------
    is_file
        Whether it is a file on a disk: only that may hold up whoever writes.

    Raises
    ------
    OSError
        It has none.
    """

    def __init__(self, stream: TextIO) -> None:
        self._encoding = stream.encoding or 'utf-8'
        # ValueError: a stream that is closed; io.UnsupportedOperation is an OSError too.
        self._given_fd = stream.fileno()
        self._fd, self._is_own = _opened_anew(self._given_fd)
        self.is_file = stat.S_ISREG(os.fstat(self._fd).st_mode)
        self._never_waits = self._is_own or self.is_file
        self._waiting: deque[memoryview] = deque()
        self._waiting_bytes = 0
        self._left_out = 0
        self._ready: Any = select.poll()
        self._ready.register(self._fd, select.POLLOUT)

    def write(self, text: str) -> None:
        """Write `text`, now or when somebody reads again."""
        data = text.encode(self._encoding, 'backslashreplace')
        if self._never_waits and not self._waiting:
            data = self._rest_of(data)
            if not data:
                return
        if self._waiting_bytes + len(data) > _MOST_WAITING_BYTES and self._waiting:
            self._left_out += 1
        else:
            self._put(data)
        self.flush()

    def flush(self) -> None:
        """Write what waits, as far as it is read.

        Raises
        ------
        OSError
            It cannot be written; nothing waits any more.
        """
        try:
            while self._waiting and (self._never_waits or self._ready.poll(0)):
                self._write_piece()
        except BlockingIOError:
            return
        except OSError:
            self._waiting.clear()
            self._waiting_bytes = 0
            raise

    def finish(self, seconds: float) -> None:
        """Write what waits, and wait so long for a reader at most."""
        ends = time.monotonic() + seconds
        while self._waiting and time.monotonic() < ends:
            self._ready.poll(1000 * max(0.0, ends - time.monotonic()))
            self.flush()

    def close(self) -> None:
        """Let go of what was opened; what is written from now on may wait."""
        if self._is_own:
            os.close(self._fd)
            self._fd, self._is_own, self._never_waits = self._given_fd, False, False
            self._ready = select.poll()
            self._ready.register(self._fd, select.POLLOUT)

    def _rest_of(self, data: bytes) -> bytes:
        """What is left of it to be written later."""
        try:
            return data[os.write(self._fd, data):]
        except BlockingIOError:
            return data

    def _put(self, data: bytes) -> None:
        if data:
            self._waiting.append(memoryview(data))
            self._waiting_bytes += len(data)

    def _write_piece(self) -> None:
        first = self._waiting[0]
        sent = os.write(self._fd, first[:_PIECE_BYTES])
        self._waiting_bytes -= sent
        if sent == len(first):
            self._waiting.popleft()
        else:
            self._waiting[0] = first[sent:]
        if not self._waiting and self._left_out:
            left_out, self._left_out = self._left_out, 0
            self._put(f'[{left_out} lines are left out here: nobody read them.]\n'.encode())


def _opened_anew(fd: int) -> tuple[int, bool]:
    """A descriptor that never waits, if there can be one, and whether it is another one.

    Not a flag of this one: that would be one of all processes that have it. A terminal that is
    ready may have room for a single character.
    """
    if stat.S_ISFIFO(os.fstat(fd).st_mode) or os.isatty(fd):
        with suppress(OSError):
            return os.open(f'/proc/self/fd/{fd}', os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY), True
    if os.isatty(fd):
        with suppress(OSError):
            return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY), True
    return fd, False
