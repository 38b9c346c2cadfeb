"""A worker's tie to the processes that it starts itself."""

from __future__ import annotations

import os
import signal
import socket
import threading

from mms.runtime.interrupts import FOR_THE_FRONT


def close_in_forks(sock: socket.socket) -> None:
    """The front learns of this process's death by the end of the socket: a process that a
    service forks must not hold it open. It may also be terminated as any other, from its first
    moment: a pool of processes that is not used for long waits for the end of each.
    """
    held = threading.local()

    def hold() -> None:
        held.mask = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_FRONT)

    def let_go() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, held.mask)

    def detach() -> None:
        with open(os.devnull, 'wb') as nothing:
            os.dup2(nothing.fileno(), sock.fileno(), inheritable=False)
        for number in FOR_THE_FRONT:
            signal.signal(number, signal.SIG_DFL)
        let_go()

    os.register_at_fork(before=hold, after_in_parent=let_go, after_in_child=detach)
