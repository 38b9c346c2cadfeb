"""Where the management port loads archives from: a folder, if one was given, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Optional
from urllib.parse import urlsplit

from mms.archive.location import Location
from mms.archive.sources.local import path_of
from mms.errors import UsageError
from mms.frontend.management.errors import Forbidden, NotRegistered

_SUFFIX = '.model'
# A model has tens of files.
_MOST_FILES = 10_000


class ModelStore:
    """Says which archive a text stands for, and whether it may be loaded; it may block.

    Parameters
    ----------
    folder
        The store; None where there is none.
    said
        Where its name was given, for messages.
    anywhere
        Whether everything may be loaded where there is no store.

    Raises
    ------
    UsageError
        The store is no folder.
    """

    def __init__(self, folder: Optional[str], said: str, anywhere: bool) -> None:
        if folder is not None and not os.path.isdir(folder):
            reason = 'is not a folder' if os.path.exists(folder) else 'does not exist'
            raise UsageError(f'{said} {folder!r} {reason}')
        self._folder = None if folder is None else os.path.realpath(folder)
        self._anywhere = anywhere

    def find(self, url: str) -> Location:
        """The location of the archive that a client names.

        Raises
        ------
        NotRegistered
            There is none.
        Forbidden
            It may not be loaded.
        """
        location = Location.parse(url)
        if self._folder is None:
            return self._from_anywhere(location)
        return self._from_store(location, self._folder)

    def named(self, name: str) -> Optional[Location]:
        """The archive of this name that lies in the store; None where there is none, or no store.

        Raises
        ------
        Forbidden
            It may not be loaded.
        """
        for file in (f'{name}{_SUFFIX}', name) if self._folder is not None else ():
            with suppress(NotRegistered):
                return self.find(file)
        return None

    def _from_anywhere(self, location: Location) -> Location:
        if not self._anywhere:
            raise Forbidden('Nothing is loaded for who has no token: start the server with '
                            '--model-store DIR, or without --management-token none.')
        _check_url(location)
        if not location.scheme and not os.path.exists(location.path):
            raise NotRegistered(f'Model not found: {location}: no such file or folder')
        return location

    def _from_store(self, location: Location, folder: str) -> Location:
        path = location.text
        if location.scheme == 'file':
            host, path = path_of(location.text)
            if host.lower() not in ('', 'localhost'):
                raise Forbidden(f'{location} is outside of the model store (--model-store).')
        elif location.scheme:
            raise Forbidden(f'{location} is outside of the model store (--model-store).')
        if '\0' in path:
            raise NotRegistered(f'Model not found in model store: {location}')
        if os.pardir in path.split(os.sep):
            raise NotRegistered(f'Relative path is not allowed in url: {location}')
        # An absolute path stays what it is.
        found = os.path.realpath(os.path.join(folder, path))
        if not _is_in(found, folder):
            raise Forbidden(f'{location} is outside of the model store (--model-store).')
        if found == folder or not os.path.exists(found):
            raise NotRegistered(f'Model not found in model store: {location}')
        for file in _files(found):
            if not _is_in(os.path.realpath(file), folder):
                raise Forbidden(f'{location} has a link, {os.path.basename(file)}, that leads out '
                                'of the model store (--model-store).')
        return replace(location, text=found, scheme='', is_real=True)


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ''))


def _files(path: str) -> Iterator[str]:
    """What lies in a folder, also behind links; nothing where it is a file."""
    left = _MOST_FILES
    for parent, folders, files in os.walk(path, followlinks=True):
        for name in (*folders, *files):
            yield os.path.join(parent, name)
            left -= 1
            if not left:
                raise Forbidden(f'{path} has more than {_MOST_FILES} files.')


def _check_url(location: Location) -> None:
    """See that the port of a URL is a number."""
    try:
        if location.scheme:
            _ = urlsplit(location.text).port
    except ValueError:
        raise NotRegistered(f'Invalid model url: {location}') from None
