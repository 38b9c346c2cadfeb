"""Bring a model location here: paths, folders, ``file://``, ``http(s)://``, ``s3://``."""

from __future__ import annotations

import os

from mms.archive.location import path_of, redacted, scheme_of
from mms.errors import ArchiveError, FetchError


def fetch(location: str, into: str, progress: bool = False) -> str:
    """Local path of the archive file or folder that `location` names.

    Parameters
    ----------
    location
        A path, where ``~`` is expanded, or a URL; a folder is named as a path or ``file://``.
    into
        Folder that takes a download; made when it is missing.
    progress
        Show a progress bar while downloading.

    Raises
    ------
    ArchiveError
        A local file or folder that does not exist.
    FetchError
        The download failed; nothing of it is left in `into`.
    MissingExtraError
        ``s3://`` without boto3.
    """
    scheme = scheme_of(location)
    if scheme == '':
        return _existing(os.path.expanduser(location), location)
    if scheme == 'file':
        return _file_url(location)
    os.makedirs(into, exist_ok=True)
    if scheme in ('http', 'https'):
        # requests and boto3 cost memory that a server of local archives does without.
        from mms.archive import web
        return web.download(location, into, progress)
    if scheme == 's3':
        from mms.archive import s3
        return s3.download(location, into, progress)
    raise FetchError(f'{redacted(location)}: {scheme}:// locations are not known; '
                     'use a path, file://, http://, https:// or s3://')


def _file_url(location: str) -> str:
    host, path = path_of(location)
    if host.lower() not in ('', 'localhost'):
        raise FetchError(f'{location} names the host {host!r}: '
                         'a file:// location is local, file:///folder/name.model')
    return _existing(path, location)


def _existing(path: str, location: str) -> str:
    if not path or not os.path.exists(path):
        raise ArchiveError(f'{location or repr(location)}: no such file or folder')
    return os.path.abspath(path)
