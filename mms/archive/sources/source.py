"""What every source of archives does."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from mms.archive.limits import DownloadLimits
from mms.archive.location import Location


class Source(Protocol):
    """A kind of places that archives come from; made anew for each location."""

    @abstractmethod
    def fetch(self, location: Location, into: str, progress: bool, limits: DownloadLimits) -> str:
        """Local path of the archive at `location`; of a folder, where it is on this machine.

        Parameters
        ----------
        location
            One whose scheme the table gives to this source.
        into
            Folder that takes a download, where there is one; it may be missing.
        progress
            Show a progress bar while downloading.
        limits
            What a download may cost.

        Raises
        ------
        ArchiveError
            A local file or folder that does not exist.
        FetchError
            The download failed; nothing of it is left in `into`.
        MissingExtraError
            What the source needs is not installed.
        """
