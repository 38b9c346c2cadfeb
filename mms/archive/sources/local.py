"""Archives and folders on this machine, named by path or by ``file:`` URL."""

from __future__ import annotations

import os
from urllib.parse import unquote

from mms.archive.limits import DownloadLimits
from mms.archive.location import Location
from mms.archive.sources.source import Source
from mms.errors import ArchiveError, FetchError


class PathSource(Source):
    """What a path names, where ``~`` is expanded."""

    def fetch(self, location: Location, into: str, progress: bool, limits: DownloadLimits) -> str:
        """Its absolute path; raises what :class:`Source` says."""
        return _existing(location.path, location)


class FileUrlSource(Source):
    """What a ``file:`` URL names."""

    def fetch(self, location: Location, into: str, progress: bool, limits: DownloadLimits) -> str:
        """Its absolute path; raises what :class:`Source` says."""
        host, path = path_of(location.text)
        if host.lower() not in ('', 'localhost'):
            raise FetchError(f'{location} names the host {host!r}: '
                             'a file:// location is local, file:///folder/name.model')
        return _existing(path, location)


def path_of(file_url: str) -> tuple[str, str]:
    """Host and percent-decoded path of a ``file:`` URL."""
    rest = file_url[len('file:'):]
    host = ''
    if rest.startswith('//'):
        host, slash, rest = rest[2:].partition('/')
        rest = slash + rest
    return host, unquote(rest)


def _existing(path: str, location: Location) -> str:
    if not path or not os.path.exists(path):
        fault = f': {location.fault}' * bool(location.fault)
        raise ArchiveError(f"{location.text or repr('')}: no such file or folder{fault}")
    return os.path.abspath(path)
