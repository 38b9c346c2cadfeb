"""What a process may do beyond what its user may: the end of it (capabilities(7))."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

_STATUS = Path('/proc/self/status')
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
# Of them three sets of two words each.
_SET_WORDS = 6
# What it takes to start processes of others, to end them, and to give them files.
_FOR_OTHERS = {'CAP_CHOWN': 0, 'CAP_KILL': 5, 'CAP_SETGID': 6, 'CAP_SETUID': 7}
_OWN_FILES_ONLY = 0o077


def missing_capabilities() -> Sequence[str]:
    """What this process lacks to start processes of other users, end them, and give them files."""
    with suppress(OSError, ValueError, IndexError):
        words = _STATUS.read_text(encoding='utf-8').split()
        held = int(words[words.index('CapEff:') + 1], 16)
        return [name for name, number in _FOR_OTHERS.items() if not held >> number & 1]
    return [] if os.geteuid() == 0 else list(_FOR_OTHERS)


def pass_none_on() -> None:
    """What the calling thread executes from now on has none of its capabilities, unless it is
    root's: those of a service manager (``AmbientCapabilities``) would stay.
    """
    # A kernel before 4.3 knows none of these.
    ctypes.CDLL(None).prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)


def give_up() -> None:
    """For a process of another user: it, and what it starts, can gain no right any more, leaves no
    memory on the disk when it crashes, and writes files that nobody else reads.

    Raises
    ------
    OSError
        The system does not let it.
    """
    os.umask(_OWN_FILES_ONLY)
    limits = import_module('resource')
    limits.setrlimit(limits.RLIMIT_CORE, (0, 0))
    library = ctypes.CDLL(None, use_errno=True)
    # The calling process, and nothing in any set.
    head = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    if (library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            or library.capset(head, (ctypes.c_uint32 * _SET_WORDS)())):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
