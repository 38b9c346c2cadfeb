"""The log file: rotated by one process, written by any number of them."""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import nullcontext, suppress
from logging.handlers import TimedRotatingFileHandler
from typing import Any, Optional

from mms.log.background import BackgroundHandler
from mms.log.file_lock import FileLock
from mms.log.handlers import SafeHandler
from mms.log.request_ids import about, marks_of
from mms.log.rotation import NEVER, LogRotation
from mms.runtime.streams import say

logger = logging.getLogger(__name__)

# A process that does not rotate the file looks so often whether it was rotated, or is its own now.
_LOOK_S = 1.0


class LogFile(SafeHandler, TimedRotatingFileHandler):
    """Holds its lines back, and makes no file, until :meth:`begin`.

    Parameters
    ----------
    path, rotation
        Of the file.
    formatter
        Makes the lines.
    """

    def __init__(self, path: str, rotation: LogRotation, formatter: logging.Formatter) -> None:
        self._rotates = rotation.when != NEVER
        super().__init__(path, when=rotation.when if self._rotates else 'D',
                         interval=rotation.interval, encoding='utf-8', errors='backslashreplace',
                         delay=True)
        self.setFormatter(formatter)
        self._held: Optional[list[logging.LogRecord]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or hold it back."""
        if self._held is None:
            super().emit(record)
        else:
            marks_of(record)
            self._held.append(record)

    def begin(self) -> None:
        """Open the file, and write what was held back.

        Raises
        ------
        OSError
        """
        if not os.path.exists(self.baseFilename):
            # A slow start leaves no empty file behind.
            self.rolloverAt = self.computeRollover(int(time.time()))
        self.stream = self._open()
        held, self._held = self._held or [], None
        for record in held:
            self.handle(record)

    def forget(self) -> None:
        """Let go of what was held back."""
        self._held = []

    def reopen(self) -> None:
        """Write to the file that has the name now: another program may have moved the old one.

        Where it cannot be opened, the old one is written on, and standard error says so.
        """
        with self.lock or nullcontext():
            self._open_anew()

    def _open_anew(self) -> None:
        if self._held is not None:
            return
        try:
            stream = self._open()
        except OSError as error:
            self.complain(error)
            return
        if self.stream is not None:
            self.stream.close()
        self.stream = stream
        self.rolloverAt = self.computeRollover(int(time.time()))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A record, or a part of it, could not be written: the next one opens the file anew."""
        super().handleError(record)
        stream = self.stream
        # To open a FIFO would wait for its reader.
        if stream is not None and os.path.isfile(self.baseFilename):
            self.stream = None  # type: ignore[assignment]  # as logging itself does
            with suppress(OSError, ValueError):
                stream.close()

    def _open(self) -> Any:
        """The file; what was cut off when the disk was full, or a process died, ends its line."""
        stream = super()._open()
        if _is_cut(self.baseFilename):
            stream.write(self.terminator)
        return stream

    def shouldRollover(self, record: logging.LogRecord) -> int:  # noqa: N802
        """Whether it is time to rotate."""
        return int(self._rotates and super().shouldRollover(record))

    def rotation_filename(self, default_name: str) -> str:
        """Where what was written goes: never where something is already."""
        name, number = default_name, 0
        while os.path.exists(name):
            number += 1
            name = f'{default_name}.{number}'
        return name

    def rotate(self, source: str, dest: str) -> None:
        """Rename the file; one that cannot be renamed, as it is mounted into a container, is
        written on until the next time.
        """
        try:
            super().rotate(source, dest)
        except OSError as error:
            say(f'The log file {self.baseFilename} cannot be rotated ({error.strerror}): it is '
                'written on.', sys.stderr)

    def complain(self, error: Optional[BaseException]) -> None:
        """Say once that lines are lost."""
        say(f'The log file {self.baseFilename} cannot be written ({error}): lines are missing '
            'there until it can.', sys.stderr)


class SharedLogFile(BackgroundHandler, LogFile):
    """One that other processes may write too: whoever has its lock rotates it.

    The others write on in the file that was rotated, for a second at most, and rotate it themselves
    once the first has gone.

    Parameters
    ----------
    path, rotation, formatter
        See :class:`LogFile`.
    follows
        Whether another process rotates it, whoever has the lock.
    """

    def __init__(self, path: str, rotation: LogRotation, formatter: logging.Formatter,
                 follows: bool = False) -> None:
        super().__init__(path, rotation, formatter)
        self._follows = follows
        self._lock_of_file = FileLock()
        self._owns = True
        self._next_look_s = 0.0

    def share(self) -> bool:
        """Find out whether this process is the one that rotates the file; whether it is."""
        self._owns = not self._follows and self._lock_of_file.take(self.baseFilename)
        return self._owns

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, to the file that has the name now."""
        if not self._owns and time.monotonic() >= self._next_look_s:
            self._follow()
        super().emit(record)

    def shouldRollover(self, record: logging.LogRecord) -> int:  # noqa: N802
        """Whether it is time to rotate, and this process does so."""
        return int(self._owns and super().shouldRollover(record))

    def doRollover(self) -> None:  # noqa: N802
        """Rotate; the lock on the old file is held until there is one on the new."""
        super().doRollover()
        if self.stream is None:
            self.stream = self._open()
        self.share()

    def reopen(self) -> None:
        """Write to the file that has the name now; see :class:`LogFile`. It may take a while."""
        writer = self.writer()
        if writer is None:
            super().reopen()
        else:
            writer.run(self._open_anew)

    def _open_anew(self) -> None:
        super()._open_anew()
        if self._held is None:
            self.share()

    def close(self) -> None:
        """Let another process rotate the file."""
        super().close()
        self._lock_of_file.release()

    def _follow(self) -> None:
        """Write where the process that rotates the file writes, or rotate it in its place."""
        self._next_look_s = time.monotonic() + _LOOK_S
        if self._is_moved():
            super()._open_anew()
        if self.share():
            self.rolloverAt = self.computeRollover(int(time.time()))
            logger.info('The process that rotated the log file %s has ended: this one does.',
                        self.baseFilename, extra=about(()))

    def _is_moved(self) -> bool:
        try:
            return not os.path.samestat(os.fstat(self.stream.fileno()),
                                        os.stat(self.baseFilename))
        except (OSError, ValueError, AttributeError):
            return True


def _is_cut(path: str) -> bool:
    """Whether a file does not end with the end of a line."""
    with suppress(OSError):
        if os.path.isfile(path) and os.path.getsize(path):
            with open(path, 'rb') as file:
                file.seek(-1, os.SEEK_END)
                return file.read(1) != b'\n'
    return False
