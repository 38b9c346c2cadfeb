"""Several listeners on one port, and which of them new connections go to."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from contextlib import suppress

# Of Linux (asm-generic/socket.h); Python has no names for them.
_ATTACH_PROGRAM = 51
_DETACH_PROGRAM = 68
# One instruction of a socket filter (linux/filter.h): BPF_RET | BPF_K.
_RETURN = 0x06
_INSTRUCTION = 'HBBI'
_PROGRAM = 'HP'
# tcp_states.h
_LISTENING = '0A'
_STATE, _INODE = 3, 9


def share_port(sock: socket.socket) -> None:
    """Let other processes of this user bind to the same port, if they do the same.

    Raises
    ------
    OSError
        This system cannot do it.
    """
    # Not on every system.
    option = getattr(socket, 'SO_REUSEPORT', None)
    if option is None:
        raise OSError('no SO_REUSEPORT')
    sock.setsockopt(socket.SOL_SOCKET, option, 1)


def is_shared(sock: socket.socket) -> bool:
    """Whether others may bind to the port of a socket."""
    option = getattr(socket, 'SO_REUSEPORT', None)
    return option is not None and bool(sock.getsockopt(socket.SOL_SOCKET, option))


def listeners_on(sock: socket.socket) -> int:
    """How many sockets listen on the address of this one, itself included; 0 where the system does
    not tell.
    """
    table = '/proc/net/tcp6' if sock.family == socket.AF_INET6 else '/proc/net/tcp'
    inode = str(os.fstat(sock.fileno()).st_ino)
    own, addresses = None, []
    with suppress(OSError), open(table, encoding='ascii') as rows:
        next(rows)
        for row in map(str.split, rows):
            # Those that listen come first.
            if row[_STATE] != _LISTENING:
                break
            addresses.append(row[1])
            if row[_INODE] == inode:
                own = row[1]
    return addresses.count(own) if own else 0


def lead_to(sock: socket.socket, index: int) -> bool:
    """Lead all new connections to one of the listeners on this one's address; whether the kernel
    takes it.

    It counts them in the order in which they began to listen; where one has ended, the last has its
    number. A number that there is not has no effect.
    """
    if sys.platform != 'linux':
        return False
    code = ctypes.create_string_buffer(struct.pack(_INSTRUCTION, _RETURN, 0, 0, index))
    try:
        sock.setsockopt(socket.SOL_SOCKET, _ATTACH_PROGRAM,
                        struct.pack(_PROGRAM, 1, ctypes.addressof(code)))
    except OSError:
        return False
    return True


def lead_anywhere(sock: socket.socket) -> None:
    """Undo what :func:`lead_to` has done on this address."""
    if sys.platform == 'linux':
        # Nothing was done, or the kernel is too old (before 5.3) to undo it.
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _DETACH_PROGRAM, 0)
