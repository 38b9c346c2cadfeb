"""A child's tie to the process that has started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from mms.runtime.interrupts import FOR_THE_FRONT

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """End this process when its parent ends, even from SIGKILL and inside a hook.

    Elsewhere than on Linux the end of the message socket does it, after the
    request in hand.
    """
    # Where all processes get one of these, the front lets this one finish first.
    # Handlers, since what is ignored would be ignored by the programs of a service too.
    for number in FOR_THE_FRONT:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FOR_THE_FRONT)
    if sys.platform == 'linux':
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
