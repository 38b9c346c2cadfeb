"""A private directory for extracted archives, gone when the server is gone."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile

from mms.errors import StartupError

# Waits until its standard input ends, which happens however the server ends
# (SIGKILL too), then removes the directory. A shell costs 1 MB; a Python, 10.
_JANITOR = 'trap "" HUP INT TERM; while read -r line; do :; done; exec rm -rf -- "$1"'


class Workspace:
    """A directory of mode 0700 that outlives neither `close` nor this process.

    A small shell process of its own session watches over it, so that nothing is
    left behind even when this process is killed with SIGKILL.

    Attributes
    ----------
    path
        The directory.

    Raises
    ------
    StartupError
        The directory, or its janitor, cannot be made.
    """

    def __init__(self) -> None:
        self._owner = os.getpid()
        try:
            self.path = tempfile.mkdtemp(prefix='mms-')
            self._janitor = _watch_over(self.path)
        except OSError as error:
            raise StartupError('no temporary folder can be made: '
                               f'{error.strerror or error}; set TMPDIR to a folder that exists, '
                               'has room and may be written to') from error
        atexit.register(self.close)

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

        What they leave behind the janitor removes when this process ends.
        """
        atexit.unregister(self.close)
        if os.getpid() == self._owner:
            shutil.rmtree(self.path, ignore_errors=True)


def _watch_over(path: str) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ['/bin/sh', '-c', _JANITOR, 'sh', path],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd='/', start_new_session=True)
    except OSError:
        os.rmdir(path)
        raise
