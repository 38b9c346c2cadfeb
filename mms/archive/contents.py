"""What an archive holds, by the list at its end: whether it is whole, and whether it is another."""

from __future__ import annotations

import zipfile
from typing import Optional

from mms.archive.extraction import UNREADABLE, LimitedReader

# Name, checksum and size of each member.
Contents = tuple[tuple[str, int, int], ...]


def contents_of(path: str) -> Optional[Contents]:
    """The members of the zip at `path`, sorted; None where it is not whole, or no zip.

    A zip has the list of its members at its end: one that is still written has none. What the
    members hold is not read; who extracts them compares the checksums.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    try:
        with LimitedReader(path) as stream, zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            end = archive.start_dir
            if any(one.header_offset < 0 or one.header_offset + one.compress_size > end
                   for one in members):
                return None
            return tuple(sorted((one.filename, one.CRC, one.file_size) for one in members))
    except UNREADABLE:
        return None
