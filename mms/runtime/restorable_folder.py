"""A folder whose files can be put back when somebody has removed them.

Temporary folders are swept: by age, file by file. A file that is held open is there as long as
that, whatever becomes of its name.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
from collections.abc import Collection
from typing import Callable

from mms.errors import ServiceError

logger = logging.getLogger(__name__)

# Of one folder; a model has tens. Each costs a descriptor.
_MOST_FILES = 500
_COPY_BYTES = 1024**2
# As many names as a message has.
_NAMED = 5
MEND = 'set TMPDIR to a folder that is not swept, and start the server again'


class RestorableFolder:
    """The files of a private folder, held open.

    Parameters
    ----------
    path
        The folder; it is written to by nobody else.
    make_parent
        Sees that the folder above is there, and is the one that it was. Raises
        :class:`ServiceError`.
    first
        Names of files that are held in any case, where there are too many to hold all.
    let_read
        Called with the folder when files were put back: lets those read them who are to.

    Raises
    ------
    OSError
        A file cannot be opened.
    """

    def __init__(self, path: str, make_parent: Callable[[], None],
                 first: Collection[str] = (),
                 let_read: Callable[[str], None] = lambda path: None) -> None:
        self._path = path
        self._make_parent = make_parent
        self._let_read = let_read
        self._turn = threading.Lock()
        self._is_closed = False
        names = (entry.name for entry in os.scandir(path) if entry.is_file())
        self._names = sorted(names, key=lambda name: (name not in first, name))
        self._held: dict[str, int] = {}
        try:
            for name in self._names[:_MOST_FILES]:
                self._held[name] = os.open(os.path.join(path, name), os.O_RDONLY)
        except OSError:
            self.close()
            raise

    def put_back(self) -> None:
        """See that each file is there, as it was; nothing once it is closed.

        Raises
        ------
        ServiceError
            One is not, and cannot be put back.
        """
        with self._turn:
            if self._is_closed:
                return
            try:
                self._put_back()
            except OSError as error:
                reason = error.strerror or str(error)
                raise ServiceError(f'files of it were removed from {self._path}, and cannot be '
                                   f'put back: {reason}; {MEND}') from error

    def touch(self) -> None:
        """Give the folder and its files the time that it is now."""
        for path in (self._path, *(os.path.join(self._path, name) for name in self._names)):
            with contextlib.suppress(OSError):
                os.utime(path)

    def close(self) -> None:
        """Let go of the files; safe to call twice."""
        # A copy that is under way ends at its next piece.
        self._is_closed = True
        with self._turn:
            held, self._held = self._held, {}
            for fd in held.values():
                os.close(fd)

    def _put_back(self) -> None:
        missing = [name for name in self._names
                   if not os.path.lexists(os.path.join(self._path, name))]
        self._make_parent()
        if not missing:
            return
        os.makedirs(self._path, mode=0o700, exist_ok=True)
        lost = [name for name in missing if name not in self._held]
        if lost:
            raise ServiceError(f'its file {lost[0]} was removed from {self._path}, and is one of '
                               f'more than {_MOST_FILES}, which are not held open; {MEND}')
        for name in missing:
            if not self._is_closed:
                self._copy(name)
        if self._is_closed:
            return
        self._let_read(self._path)
        names = ', '.join(missing[:_NAMED]) + (' and others' if missing[_NAMED:] else '')
        logger.warning('Somebody has removed %d files from %s (%s): they are put back. Better %s.',
                       len(missing), self._path, names, MEND)

    def _copy(self, name: str) -> None:
        """Under another name first: whoever looks sees it whole, or not at all."""
        part = os.path.join(self._path, f'.{secrets.token_hex(8)}')
        try:
            with open(part, 'xb') as target:
                place = 0
                while data := os.pread(self._held[name], _COPY_BYTES, place):
                    if self._is_closed:
                        return
                    target.write(data)
                    place += len(data)
            # What was removed takes its room on the disk until it is let go of.
            new = os.open(part, os.O_RDONLY)
            old, self._held[name] = self._held[name], new
            os.close(old)
            os.rename(part, os.path.join(self._path, name))
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)
