"""Ends processes by numbers that others have told, and so may have made up.

What a front may end that is root's is everything. So a process is held before it is looked at: its
number may be another's a moment later.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Optional

import psutil

# Less is the first process of the system, or to a call a group, or all that there are.
_LEAST_PID = 2
# PID_MAX_LIMIT of Linux; of much more a call would raise what is no OSError.
_MOST_PID = 2**22
_MOST_ROUNDS = 20


def is_process_id(value: object) -> bool:
    """Whether something is a number that a process of a model can have."""
    return (isinstance(value, int) and not isinstance(value, bool)
            and _LEAST_PID <= value <= _MOST_PID)


def kill(pid: int, uid: Optional[int] = None) -> None:
    """End a process at once, if it is of this user; nothing happens otherwise.

    Parameters
    ----------
    uid
        Number of the user; None for any.
    """
    with suppress(ProcessLookupError, PermissionError):
        if uid is None:
            os.kill(pid, signal.SIGKILL)
            return
        with _held(pid) as end:
            if is_of(pid, uid):
                end()


def kill_group(pgid: int, uid: Optional[int] = None) -> None:
    """End the processes of a group at once, those that are of this user."""
    if uid is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pgid, signal.SIGKILL)
        return
    # One that is forked meanwhile may be passed over.
    for _ in range(_MOST_ROUNDS):
        members = [pid for pid in psutil.pids() if _is_in(pid, pgid) and is_of(pid, uid)]
        if not members:
            return
        for pid in members:
            kill(pid, uid)


def _is_in(pid: int, pgid: int) -> bool:
    with suppress(ProcessLookupError):
        return os.getpgid(pid) == pgid
    return False


def is_of(pid: int, uid: int) -> bool:
    """Whether a process is seen to be of a user, by all three of its numbers."""
    with suppress(psutil.Error):
        return set(psutil.Process(pid).uids()) == {uid}
    return False


@contextmanager
def _held(pid: int) -> Iterator[Callable[[], None]]:
    """What ends this process, and never another that has its number later."""
    try:
        held = os.pidfd_open(pid)
    except (AttributeError, NotImplementedError, OSError) as error:
        if isinstance(error, ProcessLookupError):
            raise
        # A kernel before 5.3, or a sandbox without it.
        yield partial(os.kill, pid, signal.SIGKILL)
        return
    try:
        yield partial(signal.pidfd_send_signal, held, signal.SIGKILL)
    finally:
        os.close(held)
