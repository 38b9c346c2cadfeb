"""A process that speaks HTTP for a server, and never has a model."""

from __future__ import annotations

import logging
import os
import struct
import sys
from contextlib import suppress
from typing import Optional

import gevent
from gevent import socket

from mms.errors import UsageError
from mms.event_loop.guard import GuardedLoop
from mms.fronts.front import Front
from mms.fronts.options import FrontOptions
from mms.log.setup import FrontLog
from mms.runtime.parent import die_with_parent
from mms.runtime.process_name import set_process_name
from mms.runtime.resources import raise_file_limit
from mms.runtime.shared_budget import SharedBudget, SharedCells
from mms.runtime.signals import leave_errors_to_who_waits

logger = logging.getLogger(__name__)

_SIZE = struct.Struct('!I')
# What a terminal that is not read has not taken is tried again so often.
_WRITE_PENDING_S = 0.5


def main(argv: Optional[list[str]] = None) -> int:
    """Serve what the server hands over, until it has gone."""
    fd, gifts_fd, buffers_fd, place, parent = map(int, argv or sys.argv[1:])
    die_with_parent(parent)
    set_process_name('mms-front')
    for each in (fd, gifts_fd, buffers_fd):
        os.set_inheritable(each, False)
    raise_file_limit()
    leave_errors_to_who_waits()
    sock = socket.socket(fileno=fd)
    options = _received(sock)
    if options is None:
        return 0
    log, status = None, 0
    try:
        log = _begun_log(options)
        budget = SharedBudget(options.max_buffered_bytes, SharedCells(buffers_fd), place)
        Front(options, budget, sock, gifts_fd, log.reopen).run()
    except UsageError as error:
        # The server goes on with what it has read.
        logger.error('A front process cannot begin: %s', error)
        status = 1
    if log is not None:
        log.end()
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    # No thread has anything left to do.
    os._exit(status)


def _received(sock: socket.socket) -> Optional[FrontOptions]:
    """What the server wants; None where it has ended before."""
    head = _read(sock, _SIZE.size)
    data = head and _read(sock, _SIZE.unpack(head)[0])
    return FrontOptions.unpacked(data) if data else None


def _read(sock: socket.socket, size: int) -> bytes:
    """Empty where it ends before."""
    data = b''
    while len(data) < size:
        try:
            piece = sock.recv(size - len(data))
        except OSError:
            return b''
        if not piece:
            return b''
        data += piece
    return data


def _begun_log(options: FrontOptions) -> FrontLog:
    """The log, which is written from now on.

    Raises
    ------
    UsageError
        Its file cannot be opened any more.
    """
    log = FrontLog(options.log_file, options.log_rotation, options.log_level,
                   form=options.log_format, verbose=options.verbose, in_background=True,
                   follows=True)
    log.begin()
    log.started()
    GuardedLoop('the log on the terminal', lambda: _write_pending(log))
    return log


def _write_pending(log: FrontLog) -> None:
    gevent.sleep(_WRITE_PENDING_S)
    log.write_pending()
