"""This process as the parent of those whose own parent has ended (Linux)."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37

_turn = threading.Lock()
_users = 0
_before = 0


@contextmanager
def adopting() -> Iterator[None]:
    """Processes that descend from this one, and whose parent ends meanwhile, become its children.

    For a moment only: of others than those it is for it would have to reap each.

    Raises
    ------
    OSError
        The system does not let it.
    """
    _begin()
    try:
        yield
    finally:
        _end()


def can_adopt() -> bool:
    """Whether the system lets it."""
    try:
        with adopting():
            return True
    except OSError:
        return False


def is_child(pid: int) -> bool:
    """Whether a process is a child of this one, ended or not."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _begin() -> None:
    global _users, _before
    if sys.platform != 'linux':
        raise OSError('only Linux has this')
    with _turn:
        if not _users:
            now = ctypes.c_int()
            _prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(now))
            _prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1))
            _before = now.value
        _users += 1


def _end() -> None:
    global _users
    with _turn:
        _users -= 1
        if not _users:
            _prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(_before))


def _prctl(option: int, value: object) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
