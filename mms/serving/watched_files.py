"""Files of a watched folder: which are new, have changed, or have gone, and for long enough."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Optional

SUFFIX = '.model'
# A file that did not change for so long is not written any more, if it is a whole archive.
SETTLED_S = 2.0
# One that is no whole archive by then is told to be broken.
BROKEN_S = 10.0
# Tools that remove a file and write it anew take less.
GONE_S = 5.0


class Fingerprint(NamedTuple):
    """What changes when a file does. Not its device, which a mount may have another number for."""

    inode: int
    size: int
    modified_ns: int
    # Of the file beside it, where one counts with it.
    beside: tuple[int, ...] = ()


class Scan(NamedTuple):
    """What was found in a folder.

    Attributes
    ----------
    device
        Of the folder.
    files
        Name of a file -> its fingerprint; None where it cannot be told.
    """

    device: int
    files: Mapping[str, Optional[Fingerprint]]


def scan(folder: str, beside: str = '') -> Scan:
    """Look for archives in a folder; links are followed. May block.

    Parameters
    ----------
    folder
        Its path.
    beside
        Suffix of the file beside each that counts with it, as its signature does; '' for none.

    Raises
    ------
    OSError
        The folder cannot be read.
    """
    files: dict[str, Optional[Fingerprint]] = {}
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    for name in sorted(names):
        # Tools that copy to a hidden file first rename it then.
        if name.endswith(SUFFIX) and not name.startswith('.'):
            _look(folder, name, beside, files)
    return Scan(os.stat(folder).st_dev, files)


def fingerprint_of(path: str, beside: str = '') -> Optional[Fingerprint]:
    """The fingerprint of a file; None where it is none. May block. Parameters as of :func:`scan`.

    Raises
    ------
    OSError
        Nobody can tell.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not os.path.isfile(path):
        return None
    other = fingerprint_of(path + beside) if beside else None
    modified_ns = max(found.st_mtime_ns, other.modified_ns if other else 0)
    return Fingerprint(found.st_ino, found.st_size, modified_ns,
                       (other.inode, other.size) if other else ())


def _look(folder: str, name: str, beside: str,
          files: dict[str, Optional[Fingerprint]]) -> None:
    try:
        found = fingerprint_of(os.path.join(folder, name), beside)
    except OSError:
        files[name] = None
    else:
        if found is not None:
            files[name] = found


@dataclass(frozen=True)
class _Record:
    fingerprint: Fingerprint
    # In monotonic seconds.
    since: float
    handled: Optional[Fingerprint] = None
    gone_since: Optional[float] = None


class WatchedFiles:
    """What is known of the files of a folder: pure policy."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._records

    def see(self, files: Mapping[str, Optional[Fingerprint]], now: float) -> None:
        """These are there at a time, in monotonic seconds; of others nothing is left."""
        for name, fingerprint in files.items():
            record = self._records.get(name)
            if fingerprint is not None:
                self._records[name] = _seen(record, fingerprint, now)
            elif record is not None:
                self._records[name] = replace(record, gone_since=None)
        for name, record in self._records.items():
            if name not in files and record.gone_since is None:
                self._records[name] = replace(record, gone_since=now)

    def fingerprint(self, name: str) -> Fingerprint:
        """That of a file when it was last seen."""
        return self._records[name].fingerprint

    def pending(self) -> list[str]:
        """Files that are new or have changed, whether or not they are written still."""
        return [name for name, record in self._records.items()
                if record.gone_since is None and record.fingerprint != record.handled]

    def due(self, now: float, wall_s: float) -> list[str]:
        """Files that are new or have changed, and are not written any more.

        Parameters
        ----------
        now
            Monotonic seconds.
        wall_s
            Seconds since the epoch, as the times of files have them.
        """
        return [name for name in self.pending()
                if _unchanged_s(self._records[name], now, wall_s) >= SETTLED_S]

    def is_stuck(self, name: str, now: float, wall_s: float) -> bool:
        """Whether a file has not changed for so long that nobody writes it any more."""
        return _unchanged_s(self._records[name], now, wall_s) >= BROKEN_S

    def handle(self, name: str, fingerprint: Fingerprint) -> None:
        """What is to be done for a file as it was then is done, or was tried."""
        if name in self._records:
            self._records[name] = replace(self._records[name], handled=fingerprint)

    def gone(self, now: float) -> list[str]:
        """Files that have gone, and did not come back in time."""
        return [name for name, record in self._records.items()
                if record.gone_since is not None and now - record.gone_since >= GONE_S]

    def forget(self, name: str) -> None:
        """A file that has gone is of no matter any more."""
        self._records.pop(name, None)


def _seen(record: Optional[_Record], fingerprint: Fingerprint, now: float) -> _Record:
    if record is None:
        return _Record(fingerprint, now)
    if record.fingerprint == fingerprint:
        return replace(record, gone_since=None)
    return _Record(fingerprint, now, record.handled)


def _unchanged_s(record: _Record, now: float, wall_s: float) -> float:
    """For how long a file was seen to be what it is, or says so itself."""
    return max(now - record.since, wall_s - record.fingerprint.modified_ns / 1e9)
