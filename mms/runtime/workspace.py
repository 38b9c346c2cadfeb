"""A private directory for extracted archives, gone when the server is gone."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Collection
from typing import Optional

from mms.errors import ServiceError, StartupError
from mms.runtime.restorable_folder import MEND, RestorableFolder

# Waits until its standard input ends, which happens however the server ends
# (SIGKILL too), then removes the directory. A shell costs 1 MB; a Python, 10.
_JANITOR = 'trap "" HUP INT TERM USR1; while read -r line; do :; done; exec rm -rf -- "$1"'

# Modes of folders and files that a group may read.
_ENTERED, _READ_FOLDER, _READ_FILE = 0o710, 0o750, 0o640
# Each begins after what was written during the one before.
_TRIES = 3

# Those of this process that are not closed.
_open: list[Workspace] = []


class Workspace:
    """A private directory that outlives neither `close` nor this process.

    A small shell process of its own session watches over it, so that nothing is
    left behind even when this process is killed with SIGKILL. It is locked, which
    systemd-tmpfiles heeds (tmpfiles.d(5), on age): it removes nothing that is below.

    Parameters
    ----------
    reader_gid
        Number of the group that may read it, and write nothing; None for nobody else.

    Attributes
    ----------
    path
        The directory.

    Raises
    ------
    StartupError
        The directory, or its janitor, cannot be made.
    """

    def __init__(self, reader_gid: Optional[int] = None) -> None:
        self._owner = os.getpid()
        self._reader_gid = reader_gid
        try:
            self.path = tempfile.mkdtemp(prefix='mms-')
            self._lock = _locked(self.path)
            self._janitor = _watch_over(self.path)
        except OSError as error:
            raise StartupError('no temporary folder can be made: '
                               f'{error.strerror or error}; set TMPDIR to a folder that exists, '
                               'has room and may be written to') from error
        self._kept: dict[str, RestorableFolder] = {}
        _open.append(self)
        atexit.register(self.close)

    def keep(self, folder: str, first: Collection[str] = ()) -> RestorableFolder:
        """Hold the files of a folder in it, `first` these, until it is closed.

        Raises
        ------
        OSError
            A file cannot be opened.
        """
        if folder not in self._kept:
            self._kept[folder] = RestorableFolder(folder, self._make, first, self.let_read)
        return self._kept[folder]

    def let_read(self, folder: str) -> None:
        """Let the group that may read it do so in a folder that lies in it; nothing happens to
        any other folder.

        Raises
        ------
        StartupError
            The files cannot be given to the group.
        """
        if self._reader_gid is None or not self._has(folder):
            return
        try:
            self._give(folder)
        except OSError as error:
            raise StartupError(f'its files in {folder} cannot be given to the group '
                               f'{self._reader_gid} of --worker-user: {error.strerror}') from error

    def remove(self, folder: str) -> None:
        """Remove the folder right below it that a folder lies in, or is."""
        kept = self._kept.pop(folder, None)
        if kept is not None:
            kept.close()
        below = os.path.relpath(folder, self.path).split(os.sep)[0]
        if os.getpid() == self._owner and below not in (os.curdir, os.pardir):
            shutil.rmtree(os.path.join(self.path, below), ignore_errors=True)

    def close(self) -> None:
        """Remove the directory and end its janitor; safe to call twice."""
        self.abandon()
        if os.getpid() == self._owner and self._janitor.stdin is not None:
            self._janitor.stdin.close()
            # Not by the end of its input: a process that was forked since may hold it open.
            self._janitor.kill()
            self._janitor.wait()

    def abandon(self) -> None:
        """Remove the directory while threads may still write to it.

        Once it is gone they can write no more. What they leave behind the janitor removes when
        this process ends.
        """
        atexit.unregister(self.close)
        if os.getpid() == self._owner:
            self._let_go()
            for _ in range(_TRIES):
                shutil.rmtree(self.path, ignore_errors=True)

    def _let_go(self) -> None:
        kept, self._kept = self._kept, {}
        for folder in kept.values():
            folder.close()
        if self in _open:
            _open.remove(self)
            os.close(self._lock)

    def _has(self, folder: str) -> bool:
        return folder.startswith(os.path.join(self.path, ''))

    def _give(self, folder: str) -> None:
        names = os.path.relpath(folder, self.path).split(os.sep)
        above = [os.path.join(self.path, *names[:count]) for count in range(len(names))]
        for path in above:
            _give(path, self._reader_gid, _ENTERED)
        for root, _, files in os.walk(folder):
            _give(root, self._reader_gid, _READ_FOLDER)
            for name in files:
                _give(os.path.join(root, name), self._reader_gid, _READ_FILE)

    def _make(self) -> None:
        """Make it anew when it is gone; what others have put in its place is not trusted."""
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.lstat(self.path), os.fstat(self._lock)):
                return
            raise ServiceError(f'its folder {self.path} was removed, and there is another one '
                               f'in its place; {MEND}')
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        os.mkdir(self.path, 0o700)
        new = _locked(self.path)
        os.dup2(new, self._lock, inheritable=False)
        os.close(new)


def workspace_of(path: str) -> Optional[Workspace]:
    """The workspace of this process that a path lies in; None for any other path."""
    return next((one for one in _open if one._has(path)), None)


def _locked(path: str) -> int:
    """A descriptor of a folder, which holds a lock on it where its file system has any."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return fd


def _give(path: str, gid: Optional[int], mode: int) -> None:
    os.chown(path, -1, -1 if gid is None else gid)
    os.chmod(path, mode)


def _watch_over(path: str) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ['/bin/sh', '-c', _JANITOR, 'sh', path],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd='/', start_new_session=True)
    except OSError:
        os.rmdir(path)
        raise
