"""What a worker logs and prints, on its way to the front's log."""

from __future__ import annotations

import os
from typing import Any

from gevent import socket
from gevent.fileobject import FileObjectPosix

from mms.event_loop.guard import FirstFailureLog
from mms.event_loop.yielding import yield_now
from mms.log.relay import MAX_LINE_BYTES, relay, relay_output

# A progress bar may never end its line.
_MAX_OUTPUT_LINE_BYTES = 64 * 1024


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


def relay_records(sock: socket.socket) -> None:
    """Log what a worker logs, until it ends."""
    failure_log = FirstFailureLog('what a worker logs')
    with sock, sock.makefile('rb') as lines:
        for line in iter(lambda: lines.readline(MAX_LINE_BYTES), b''):
            # Whatever becomes of a line: a worker whose lines nobody reads stops at a full pipe.
            failure_log.attempt(relay, line)
            # A worker that never stops talking would keep everybody else from running.
            yield_now()


def relay_outputs(reader: Any, pid: int, model: str) -> None:
    """Log what a worker prints, until it ends."""
    failure_log = FirstFailureLog(f'what a worker of model {model} prints')
    with reader:
        for line in iter(lambda: reader.readline(_MAX_OUTPUT_LINE_BYTES), b''):
            failure_log.attempt(relay_output, line, pid, model)
            yield_now()
