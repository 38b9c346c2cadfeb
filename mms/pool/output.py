"""What a worker logs and prints, on its way to the front's log."""

from __future__ import annotations

import os
import select
from typing import Any

from gevent import socket
from gevent.fileobject import FileObjectPosix

from mms.event_loop.guard import FirstFailureLog
from mms.event_loop.yielding import yield_now
from mms.log.relay import MAX_LINE_BYTES, relay, relay_output
from mms.pool.in_hand import InHand

# A progress bar may never end its line.
_MAX_OUTPUT_LINE_BYTES = 64 * 1024
# An answer waits until so many lines are logged that its request has printed: those behind them may
# be taken for the next one's.
_MOST_TURNS = 32


class OutputPipe:
    """What the worker's standard output and standard error are: a pipe, since a socket of
    gevent's would be non-blocking at both ends.

    Attributes
    ----------
    write_fd
        The worker's end; closed here when the block ends.
    reader
        The front's end.
    """

    write_fd: int
    reader: Any

    def __enter__(self) -> OutputPipe:
        read_fd, self.write_fd = os.pipe()
        self.reader = FileObjectPosix(read_fd, 'rb')
        return self

    def __exit__(self, *exc_info: object) -> None:
        os.close(self.write_fd)
        if exc_info[0] is not None:
            self.reader.close()


def relay_records(sock: socket.socket, model: str) -> None:
    """Log what a worker of a model logs, until it ends."""
    failure_log = FirstFailureLog('what a worker logs')
    with sock, sock.makefile('rb') as lines:
        for line in iter(lambda: lines.readline(MAX_LINE_BYTES), b''):
            # Whatever becomes of a line: a worker whose lines nobody reads stops at a full pipe.
            failure_log.attempt(relay, line, model)
            # A worker that never stops talking would keep everybody else from running.
            yield_now()


class OutputRelay:
    """Logs what a worker prints, with the requests that it has in hand meanwhile.

    Parameters
    ----------
    reader
        Of its output.
    model
        Name of its model.
    in_hand
        The requests.
    """

    def __init__(self, reader: Any, model: str, in_hand: InHand) -> None:
        self._reader = reader
        self._model = model
        self._in_hand = in_hand
        self._waits = False
        self._printed = select.poll()
        self._printed.register(reader.fileno(), select.POLLIN)

    def run(self, pid: int) -> None:
        """Log until the worker ends, whose process id this is."""
        failure_log = FirstFailureLog(f'what a worker of model {self._model} prints')
        with self._reader:
            for line in iter(self._next_line, b''):
                failure_log.attempt(relay_output, line, pid, self._model, self._in_hand.contexts())
                yield_now()

    def catch_up(self) -> None:
        """Let what was printed so far be logged first, unless that is much."""
        for _ in range(_MOST_TURNS):
            if not self._is_behind():
                return
            yield_now()

    def _is_behind(self) -> bool:
        """Whether there is a line that is not logged, or at least a part of one."""
        if self._reader.closed:
            return False
        return not self._waits or bool(self._printed.poll(0))

    def _next_line(self) -> bytes:
        self._waits = True
        line: bytes = self._reader.readline(_MAX_OUTPUT_LINE_BYTES)
        self._waits = False
        return line
