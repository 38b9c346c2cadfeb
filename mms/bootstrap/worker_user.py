"""``--worker-user``: as whom the processes of models run, and whether they can."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.util import find_spec

from mms.config.settings import Settings
from mms.errors import StartupError, UsageError
from mms.event_loop.in_thread import in_thread
from mms.runtime.model_identity import Identity
from mms.runtime.privileges import missing_capabilities, pass_none_on
from mms.runtime.user_view import ProcessHidden, UserView, look_as
from mms.runtime.users import User, closed_part, described, enters_by_mode, find_user

logger = logging.getLogger(__name__)

# What every process of a model imports, besides Python's own.
_NEEDED = ('mms', 'numpy', 'mxnet')
_MEND = ('Let it read and enter that, or have the server, its Python and TMPDIR where others may '
         'read')


def identity_of(settings: Settings) -> Identity:
    """Who the processes of models are.

    Raises
    ------
    StartupError
        They cannot run as the user that was given.
    """
    if settings.worker_user is None:
        return Identity(passed=settings.worker_env)
    said = settings.said('worker_user')
    user = find_user(settings.worker_user, said)
    _check_rights(user, said)
    pass_none_on()
    identity = Identity(user, settings.worker_env)
    view = in_thread(partial(_look, identity, f'{said} {settings.worker_user}'))
    if view.closed:
        raise StartupError(f'{said} {settings.worker_user}: the user {user.name} cannot read what '
                           f'it needs: {view.closed} is closed to it. {_MEND}')
    if view.temporary is None:
        raise StartupError(f'{said} {settings.worker_user}: the user {user.name} can write to no '
                           'folder for temporary files: set TMPDIR to one')
    for path in view.changeable:
        if path == tempfile.gettempdir():
            logger.warning('The user %s may change %s, where archives are extracted: a service '
                           'could exchange them, and become the server. Give it the sticky bit '
                           '(chmod +t), or set TMPDIR to another folder.', user.name, path)
        else:
            logger.warning('The user %s may change %s, which the server itself imports from: a '
                           'service could become the server. Take its right to write there.',
                           user.name, path)
    return replace(identity, temporary=view.temporary)


def _check_rights(user: User, said: str) -> None:
    if user.uid == os.geteuid():
        raise UsageError(f'{said}: {user.name} is the user of the server itself: give another')
    missing = missing_capabilities()
    if missing:
        raise UsageError(f'{said}: to run workers as {user.name}, the server has to be root, or '
                         f"have what it lacks: {', '.join(missing)}")


def _look(identity: Identity, said: str) -> UserView:
    assert identity.user is not None
    name = identity.user.name
    try:
        return look_as(identity, list(_read_by_workers()),
                       [*_imported_from(), *_extracted_in(identity.user)])
    except ProcessHidden:
        raise StartupError(f'{said}: /proc hides the processes of {name} from the server, which '
                           'has to see them to end them: mount it without hidepid '
                           '(ProtectProc=default)') from None
    except PermissionError:
        closed = closed_part(sys.executable, enters_by_mode(identity.user)) or sys.executable
        raise StartupError(f'{said}: the user {name} cannot run {sys.executable}: '
                           f'{described(closed)} is closed to it. {_MEND}') from None
    except OSError as error:
        raise StartupError(f'{said}: no process can be started as {name}: {error.strerror}. In a '
                           'user namespace (PrivateUsers=, a container without root) there has to '
                           'be such a user') from error
    except ValueError as error:
        raise StartupError(f'{said}: Python does not run as {name}: {error}. {_MEND}') from error
    except subprocess.TimeoutExpired as error:
        raise StartupError(f'{said}: Python does not run as {name} within '
                           f'{error.timeout:.0f} s') from error


def _read_by_workers() -> Iterator[str]:
    with suppress(OSError):
        # Archives are extracted into a folder there; it need not be listed.
        yield os.path.join(tempfile.gettempdir(), '-')
    for name in _NEEDED:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            yield spec.origin


def _extracted_in(user: User) -> Iterator[str]:
    """The folder for temporary files, where its mode lets who may write to it exchange folders."""
    with suppress(OSError):
        folder = tempfile.gettempdir()
        found = os.stat(folder)
        if not found.st_mode & stat.S_ISVTX or found.st_uid == user.uid:
            yield folder


def _imported_from() -> Iterator[str]:
    """Folders, and the program."""
    yield sys.executable
    yield from {os.path.abspath(path) for path in sys.path if os.path.exists(path or os.curdir)}
    yield os.path.dirname(os.path.abspath(str(sys.modules['mms'].__file__)))
