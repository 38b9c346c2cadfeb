"""Where a server leaves the token that it has made for its management port, for its own user."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from typing import Optional

from mms.errors import StartupError

# More than any token has.
_MOST_CHARACTERS = 4096


def token_path(port: int) -> str:
    """Path of the token of the management port on `port` of this machine, of a server of this
    user; it is there while the server runs.
    """
    return os.path.join(_folder(), f'management-{port}.token')


def write_token(port: int, token: str) -> str:
    """Write a token where :func:`token_path` says, for nobody else to read; that path.

    Raises
    ------
    StartupError
    """
    path = token_path(port)
    try:
        _make_private(os.path.dirname(path))
        # One of a server that was killed.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, 'w', encoding='ascii') as file:
            file.write(token + '\n')
    except OSError as error:
        raise StartupError(f'the token of the management port cannot be written to {path}: '
                           f'{error.strerror}; give --management-token FILE') from error
    return path


def read_token(port: int) -> Optional[str]:
    """What a server has written where :func:`token_path` says; None where nothing is there, or
    what is there may be of another user.
    """
    path = token_path(port)
    try:
        if not _is_private(os.path.dirname(path)):
            return None
        return _read(path) or None
    except (OSError, UnicodeDecodeError):
        return None


def remove_token(path: str, token: str) -> None:
    """Remove what :func:`write_token` has written, unless another server on the same port has
    written its own there since.
    """
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if _read(path) == token:
            os.unlink(path)


def _read(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, encoding='ascii') as file:
        return file.read(_MOST_CHARACTERS).strip()


def _folder() -> str:
    private = os.environ.get('XDG_RUNTIME_DIR', '')
    parent = private if os.path.isdir(private) and os.access(private, os.W_OK) else \
        tempfile.gettempdir()
    return os.path.join(parent, f'mms-{os.getuid()}')


def _make_private(folder: str) -> None:
    """See that a folder is there that nobody else can write to or read."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    if not _is_private(folder):
        raise StartupError(f'{folder} is no private folder of this user, to keep the token of the '
                           'management port in: remove it, or give --management-token FILE')


def _is_private(folder: str) -> bool:
    """Whether it is a folder of this user that nobody else can write to or read."""
    found = os.lstat(folder)
    return (stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
            and not found.st_mode & 0o077)
