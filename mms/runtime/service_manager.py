"""What a service manager such as systemd is told (sd_notify(3)), and the sockets that it passes on
(sd_listen_fds(3)).
"""

from __future__ import annotations

import logging
import os
import socket
import stat
import time
from collections.abc import Mapping, MutableMapping, Sequence

from mms.errors import AddressError
from mms.runtime.printable import one_line

logger = logging.getLogger(__name__)

_NOTIFY = 'NOTIFY_SOCKET'
_SOCKETS = ('LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES')
_FIRST_FD = 3
_TCP = (socket.AF_INET, socket.AF_INET6)


class ServiceManager:
    """Tells a service manager how this process does; without one, it tells nobody.

    Parameters
    ----------
    environment
        What names the manager is removed, so that no process of a model tells it anything.
    """

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        address = environment.pop(_NOTIFY, '')
        # An abstract socket, which has no file.
        self._address = '\0' + address[1:] if address.startswith('@') else address

    def ready(self, status: str) -> None:
        """It serves, for the first time or again; `status` says what."""
        self._tell('READY=1', f'STATUS={one_line(status)}')

    def reloading(self) -> None:
        """It reads its files again, until it is ready."""
        self._tell('RELOADING=1', f'MONOTONIC_USEC={time.monotonic_ns() // 1000}')

    def stopping(self) -> None:
        """It ends; a reload meanwhile is told to nobody."""
        self._tell('STOPPING=1', 'STATUS=Stopping: the requests in flight are finished first')
        self._address = ''

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.sendto('\n'.join(lines).encode(), self._address)
        except OSError as error:
            logger.warning('The service manager at %s is not told %s: %s', _NOTIFY, lines[0], error)


class PassedSockets:
    """Sockets that a service manager has bound for this process, by their names.

    Parameters
    ----------
    names
        Those of the listeners that there may be. A single socket of another name is the first's,
        which alone may be a Unix socket.
    environment
        What tells of the sockets is removed: they are for no other process.

    Raises
    ------
    AddressError
        What was passed cannot be listened on.
    """

    def __init__(self, names: Sequence[str],
                 environment: MutableMapping[str, str] = os.environ) -> None:
        told = {name: environment.pop(name, '') for name in _SOCKETS}
        self._sockets: dict[str, int] = {}
        if told['LISTEN_PID'] != str(os.getpid()):
            return
        for name, fd in _numbered(told, names):
            if name not in names:
                raise AddressError(f'LISTEN_FDNAMES has a socket {name!r}: give it a name with '
                                   f"FileDescriptorName=, one of {', '.join(names)}")
            number = names.index(name)
            if name in self._sockets:
                raise AddressError(f'LISTEN_FDNAMES has two sockets {name!r}: pass on one')
            if not _is_stream(fd, _TCP if number else (*_TCP, socket.AF_UNIX)):
                wanted = 'one of TCP: give ListenStream= a port' if number else \
                    'a stream: give ListenStream= a port or a path'
                raise AddressError(f'the socket {name!r} that was passed on (LISTEN_FDS) is not '
                                   f'{wanted}')
            self._sockets[name] = fd

    @property
    def names(self) -> Sequence[str]:
        """Of those that nobody has taken."""
        return tuple(self._sockets)

    def take(self, name: str) -> int:
        """The descriptor of a socket, which is the caller's from now on.

        Raises
        ------
        KeyError
            None of that name was passed.
        """
        fd = self._sockets.pop(name)
        os.set_inheritable(fd, False)
        return fd


def _numbered(told: Mapping[str, str], names: Sequence[str]) -> list[tuple[str, int]]:
    """The name and the descriptor of each socket."""
    count = int(told['LISTEN_FDS']) if told['LISTEN_FDS'].isdecimal() else 0
    given = told['LISTEN_FDNAMES'].split(':') if told['LISTEN_FDNAMES'] else []
    given += [''] * (count - len(given))
    if count == 1 and given[0] not in names:
        # That of its unit, if nobody has given it one.
        given = [names[0]]
    return [(name, _FIRST_FD + place) for place, name in enumerate(given[:count])]


def _is_stream(fd: int, families: Sequence[int]) -> bool:
    try:
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            return False
    except OSError:
        return False
    with socket.socket(fileno=os.dup(fd)) as sock:
        return sock.family in families and sock.type == socket.SOCK_STREAM
