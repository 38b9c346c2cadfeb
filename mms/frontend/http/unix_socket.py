"""A socket in a folder, for clients of the same machine."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Optional

import gevent
from gevent import socket

from mms.errors import AddressError

# sockaddr_un, less the NUL behind it.
_LONGEST_PATH = 107
# Whoever may write to it may connect: the user and the group of the server.
_MODE = 0o660
_SUFFIX = '.new'
# A server that places its socket, or removes it, holds the folder for less than a millisecond.
_LOCK_S = 0.5
_PAUSE_S = 0.01


class UnixSocket:
    """The path of a socket, which is there from when the server listens to when it ends.

    Parameters
    ----------
    path
        Where it is to be.
    said
        Where the path comes from, for messages.
    takes_over
        Whether it takes the place of one on which another server listens.

    Raises
    ------
    AddressError
        It cannot be there.
    """

    def __init__(self, path: str, said: str, takes_over: bool) -> None:
        self.path = os.path.abspath(path)
        self._said = said
        self._takes_over = takes_over
        self._identity: Optional[tuple[int, int]] = None
        most = _LONGEST_PATH - (len(_SUFFIX) if takes_over else 0)
        if len(os.fsencode(self.path)) > most:
            raise AddressError(f'{said} {path} is longer than the {most} bytes that a socket may '
                               'have: give a shorter path')
        self._check()

    def listen(self, backlog: int) -> socket.socket:
        """The socket, on which connections wait from now on.

        Raises
        ------
        AddressError
        """
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _locked(os.path.dirname(self.path)):
                self._check()
                self._place(sock, backlog)
        except OSError as error:
            sock.close()
            raise self._error(error) from error
        except BaseException:
            sock.close()
            raise
        return sock

    def remove(self) -> None:
        """Remove it, unless another server has put its own there; safe to call twice."""
        with suppress(OSError), _locked(os.path.dirname(self.path)):
            found = os.lstat(self.path)
            if self._identity == (found.st_dev, found.st_ino):
                os.unlink(self.path)

    def _place(self, sock: socket.socket, backlog: int) -> None:
        path = self.path + _SUFFIX if self._takes_over else self.path
        with suppress(FileNotFoundError):
            if stat.S_ISSOCK(os.lstat(path).st_mode):
                os.unlink(path)
        sock.bind(path)
        # Before it listens nobody can connect.
        os.chmod(path, _MODE)
        sock.listen(backlog)
        found = os.lstat(path)
        self._identity = found.st_dev, found.st_ino
        if self._takes_over:
            os.rename(path, self.path)

    def _check(self) -> None:
        """See that nothing is lost where it is to be."""
        try:
            found = os.lstat(self.path)
        except FileNotFoundError:
            if os.path.isdir(os.path.dirname(self.path)):
                return
            raise AddressError(f'{self._said} {self.path}: there is no such folder') from None
        except OSError as error:
            raise self._error(error) from error
        if not stat.S_ISSOCK(found.st_mode):
            raise AddressError(f'{self._said} {self.path} is there already, and is no socket: give '
                               'another path, or remove it')
        if not self._takes_over and _is_listening(self.path):
            raise AddressError(f'{self._said} {self.path} is already in use: stop what listens '
                               'there, or give another path')

    def _error(self, error: OSError) -> AddressError:
        return AddressError(f'cannot listen on {self._said} {self.path} '
                            f'({error.strerror or error}): give another path')


def _is_listening(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except OSError as error:
            # Of one that is not read there is no room for another.
            return error.errno in (errno.EAGAIN, errno.EACCES, errno.EPERM)
        return True


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Two servers that start at once do not remove each other's socket."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Lock it, unless somebody holds it for longer than a server would: whoever may read the folder
    could do so.
    """
    end = time.monotonic() + _LOCK_S
    while time.monotonic() < end:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            gevent.sleep(_PAUSE_S)
