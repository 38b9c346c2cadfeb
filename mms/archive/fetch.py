"""Bring a model location here, whatever its source."""

from __future__ import annotations

from mms.archive.limits import DownloadLimits
from mms.archive.location import Location
from mms.archive.sources.table import known_forms, source_of
from mms.errors import FetchError

NO_MORE = DownloadLimits()


def fetch(
    location: Location, into: str, progress: bool = False, limits: DownloadLimits = NO_MORE
) -> str:
    """Local path of the archive file or folder that `location` names.

    Parameters
    ----------
    location
        A path, or a URL of a scheme that has a source.
    into
        Folder that takes a download; made when it is missing.
    progress
        Show a progress bar while downloading.
    limits
        What a download may cost.

    Raises
    ------
    ArchiveError
        A local file or folder that does not exist.
    FetchError
        The download failed, and nothing of it is left in `into`; or the scheme has no source.
    MissingExtraError
        The source needs an optional dependency.
    """
    source = source_of(location.scheme)
    if source is None:
        raise FetchError(f'{location}: {location.scheme}:// locations are not known; '
                         f'use {known_forms()}')
    if not location.is_local and location.fault:
        raise FetchError(f'{location}: {location.fault}')
    return source.fetch(location, into, progress, limits)
