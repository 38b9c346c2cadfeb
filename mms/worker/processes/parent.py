"""A worker's tie to the processes that it starts itself."""

from __future__ import annotations

import os
import signal
import socket

from mms.runtime.interrupts import FOR_THE_FRONT


def close_in_forks(sock: socket.socket) -> None:
    """The front learns of this process's death by the end of the socket: a process that a
    service forks must not hold it open. It may also be terminated as any other.
    """

    def detach() -> None:
        with open(os.devnull, 'wb') as nothing:
            os.dup2(nothing.fileno(), sock.fileno(), inheritable=False)
        for number in FOR_THE_FRONT:
            signal.signal(number, signal.SIG_DFL)

    os.register_at_fork(after_in_child=detach)
