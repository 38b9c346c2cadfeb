"""Files that change while a process runs: whoever has read them is told, and reads them again."""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Optional

logger = logging.getLogger(__name__)

# An operator who has exchanged a file does not wait long for it to count.
_LOOK_S = 2.0
# A look may hang where the disk does.
_JOIN_S = 1.0

# Of each file what tells one content from another; None where none is there.
_State = tuple[Optional[tuple[int, ...]], ...]
_PIPE = ()


class FileChanges:
    """Looks at files that are read together every few seconds, in a thread of its own.

    It polls: what a mounted secret of Kubernetes or a file on NFS does is no event for a process.
    Symbolic links are followed. Files that still change are left until they rest. A pipe, which can
    be read once, changes nothing.

    Parameters
    ----------
    paths
        The files, which need not be there.
    on_change
        Called in the thread when any of them has changed from now on. It logs what it cannot read,
        and goes on with what it has.
    look_s
        Seconds from one look to the next.
    """

    def __init__(self, paths: Sequence[str], on_change: Callable[[], None],
                 look_s: float = _LOOK_S) -> None:
        self._paths = tuple(paths)
        self._on_change = on_change
        self._look_s = look_s
        self._known = self._seen = self._state()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name='mms-files', daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Look once; what the thread does again and again."""
        state, before = self._state(), self._seen
        self._seen = state
        if state == self._known or state != before:
            return
        self._known = state
        try:
            self._on_change()
        except Exception:
            logger.exception('The server itself failed over files that have changed: %s',
                             ', '.join(self._paths))

    def stop(self) -> None:
        """Look no more; safe to call twice."""
        self._stopping.set()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        while not self._stopping.wait(self._look_s):
            # Where the log itself fails, there is nobody to tell.
            with suppress(Exception):
                self.look()

    def _state(self) -> _State:
        return tuple(map(_state_of, self._paths))


def _state_of(path: str) -> Optional[tuple[int, ...]]:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    if stat.S_ISFIFO(found.st_mode):
        return _PIPE
    # The time of the last change of its mode or owner too: it may be readable since.
    return (found.st_ctime_ns, found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev)
