"""Which of several processes rotates a log file that they all write."""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress


class FileLock:
    """A lock on a file by its inode, which goes with its process.

    The file may be renamed meanwhile: it is still that of the lock.
    """

    def __init__(self) -> None:
        self._fd = -1

    def take(self, path: str) -> bool:
        """Lock the file that is at `path` now, in the place of another that is locked.

        Returns
        -------
        bool
            False where another process has it, and the old lock is let go. What is no regular file
            needs none.
        """
        if self._is_of(path):
            return True
        before, self._fd = self._fd, -1
        try:
            self._fd = _locked(path)
            return True
        except BlockingIOError:
            return False
        except OSError:
            # No such lock in this file system, or no file any more: nobody else can tell either.
            return True
        finally:
            _close(before)

    def _is_of(self, path: str) -> bool:
        """Whether the lock is on the file that is at `path` now."""
        if self._fd < 0:
            return False
        try:
            return os.path.samestat(os.fstat(self._fd), os.stat(path))
        except OSError:
            return False

    def release(self) -> None:
        """Let another process have it."""
        fd, self._fd = self._fd, -1
        _close(fd)


def _locked(path: str) -> int:
    """A descriptor of a file that is locked; -1 for what cannot be rotated."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        return -1
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _close(fd: int) -> None:
    if fd >= 0:
        with suppress(OSError):
            os.close(fd)
