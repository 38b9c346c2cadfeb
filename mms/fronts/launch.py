"""One front process as the server has it: started, spoken with, ended."""

from __future__ import annotations

import array
import logging
import os
import signal
import socket
import struct
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent

from mms.errors import StartupError
from mms.frontend.http.admission import Peer
from mms.fronts.desk import Desk, Services
from mms.fronts.link import LinkClosed
from mms.fronts.options import FrontOptions
from mms.fronts.watch import Silent, watch
from mms.runtime.child_python import child_python
from mms.runtime.interrupts import signals_held_in_children

logger = logging.getLogger(__name__)

_CODE = 'from mms.fronts.process import main; sys.exit(main())'
_SIZE = struct.Struct('!I')
# A Python that imports this package takes half a second of a core.
_BEGIN_S = 60.0
# One that was told to end does so at once.
_GRACE_S = 1.0
_REAP_POLL_S = 0.01


class FrontProcess:
    """Starts it.

    Parameters
    ----------
    place
        Which of the fronts it is, from 1 on.
    buffers_fd
        Memory in which all count what they hold.

    Raises
    ------
    StartupError
        It cannot be started.

    Attributes
    ----------
    place
        As given.
    pid
        Its process id.
    is_ready
        Whether it takes connections; set by who has told it all.
    desk
        Answers it, once it has begun.
    """

    desk: Desk

    def __init__(self, place: int, buffers_fd: int) -> None:
        self.place = place
        self.is_ready = False
        self._has_begun = False
        try:
            self._stream, there = gevent.socket.socketpair()
            self._gifts, gifts_there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            fds = there.fileno(), gifts_there.fileno(), buffers_fd
            with there, gifts_there, signals_held_in_children():
                # A session of its own: Ctrl-C on a terminal is for the server, which drains.
                self._process = subprocess.Popen(
                    [*child_python(_CODE), *map(str, (*fds, place, os.getpid()))],
                    pass_fds=fds, stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError as error:
            raise StartupError(f'no front process can be started ({error.strerror})') from error
        self._gifts.setblocking(False)
        self.pid = self._process.pid

    def begin(self, options: FrontOptions, services: Services,
              tell_models: Callable[[], None]) -> None:
        """Have it do its work.

        Raises
        ------
        LinkClosed
            It has ended.
        TimeoutError
            It takes too long.
        """
        packed = options.packed()
        self.desk = Desk(self._stream, services, tell_models)
        self._has_begun = True
        try:
            self._stream.sendall(_SIZE.pack(len(packed)) + packed)
        except OSError:
            raise LinkClosed from None
        self._reader = gevent.spawn(self.desk.link.run)
        self.desk.link.call('begin', seconds=_BEGIN_S)

    def wait(self) -> None:
        """Until it has gone, or does not answer any more."""
        try:
            watch(self.desk.link, self._reader)
        except Silent:
            logger.error('Front process %d does not answer: it is ended.', self.pid)
        self.is_ready = False

    def leave(self) -> None:
        """Speak with it no more: it ends then."""
        self.is_ready = False
        if self._has_begun:
            self.desk.link.close()

    def give(self, listener: str, sock: Any, peer: Peer) -> bool:
        """Give it a connection; whether it has it."""
        text = '\0'.join((listener, peer.host, str(peer.port), str(int(sock.family)))).encode()
        fds = array.array('i', [sock.fileno()])
        try:
            self._gifts.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        except OSError:
            # It has gone, or does not get round to what it was given.
            return False
        self.desk.given(listener, peer.host)
        return True

    def end(self) -> str:
        """End it, at once if it does not by itself; how it has ended."""
        self.is_ready = False
        self._gifts.close()
        self.leave()
        self._stream.close()
        waited = 0.0
        while self._process.poll() is None:
            if waited >= _GRACE_S:
                self._process.kill()
            gevent.sleep(_REAP_POLL_S)
            waited += _REAP_POLL_S
        if self._has_begun:
            self.desk.over()
        status = self._process.returncode
        if status >= 0:
            return f'exit status {status}'
        with suppress(ValueError):
            return signal.Signals(-status).name
        return f'signal {-status}'
