"""What a user may do with files and folders; the process that looks is that user's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, Optional

from mms.runtime.killing import is_of
from mms.runtime.model_identity import Identity
from mms.runtime.users import closed_part, described

_LOOK = 'from mms.runtime.user_view import main; main()'
# A file system over the network may take some.
_LONGEST_S = 60.0


class UserView(NamedTuple):
    """What a user may do.

    Attributes
    ----------
    closed
        What keeps it from reading the first of the paths that it cannot read; empty where it can
        read them all.
    changeable
        Those of the paths that it may change.
    temporary
        Where it has room for temporary files; None where it has none.
    """

    closed: str
    changeable: Sequence[str]
    temporary: Optional[str]


class ProcessHidden(Exception):
    """This process does not see those of the user in ``/proc``."""


def may_enter(folder: str) -> bool:
    """Whether the user of this process may enter a folder."""
    return os.access(folder, os.X_OK)


def look_as(identity: Identity, to_read: Sequence[str], not_to_change: Sequence[str]) -> UserView:
    """Have a process of a user look at files and folders.

    Raises
    ------
    ProcessHidden
    OSError
        It cannot be started.
    ValueError
        It has not told; the text has the last line that it printed.
    subprocess.TimeoutExpired
    """
    words = [*identity.python(_LOOK), json.dumps([to_read, not_to_change])]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=identity.environment(),
                          **identity.arguments()) as process:
        is_seen = identity.uid is None or is_of(process.pid, identity.uid)
        try:
            told, printed = process.communicate(timeout=_LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    if not is_seen:
        raise ProcessHidden
    with suppress(ValueError, TypeError):
        return UserView(*json.loads(told))
    lines = printed.decode('utf-8', 'replace').strip().splitlines()
    raise ValueError(lines[-1] if lines else f'it ends with status {process.returncode}')


def main() -> None:
    """Print what this process may do as JSON: its argument has both lists."""
    to_read, not_to_change = json.loads(sys.argv[1])
    temporary = None
    with suppress(OSError):
        temporary = tempfile.gettempdir()
    changeable = [path for path in not_to_change if os.access(path, os.W_OK)]
    json.dump([next(filter(None, map(obstacle, to_read)), ''), changeable, temporary], sys.stdout)


def obstacle(path: str) -> str:
    """What keeps this process from reading a file, or a folder; empty where nothing does, or
    nothing is there.
    """
    closed = closed_part(path, may_enter)
    if closed is None and os.path.exists(path):
        needed = os.R_OK | os.X_OK if os.path.isdir(path) else os.R_OK
        closed = None if os.access(path, needed) else path
    return described(closed) if closed else ''
