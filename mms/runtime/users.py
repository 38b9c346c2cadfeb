"""The users of this system, and what one of them may enter."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple, Optional

from mms.errors import UsageError

# More of them `subprocess` does not take.
_MOST_GROUPS = 64
# (uid_t) -1, which says nobody to the system.
_NO_NUMBER = 2**32 - 1


class User(NamedTuple):
    """A user as whom processes are started.

    Attributes
    ----------
    name
        As the system calls it; its number, where it has no name.
    uid, gid
        Numbers of the user and of its group.
    groups
        Numbers of all its groups, the supplementary ones too.
    home
        Its home folder.
    """

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def find_user(text: str, said: str) -> User:
    """The user of ``USER`` or ``USER:GROUP``, names or numbers.

    Parameters
    ----------
    said
        Where the text was given, for messages.

    Raises
    ------
    UsageError
        There is none, it is root, or its group is not known.
    """
    who, colon, group = text.partition(':')
    entry = _entry(who)
    if entry is None and not _is_number(who):
        raise UsageError(f'{said} {text!r}: there is no user {who!r} on this system')
    if entry is None and int(who) >= _NO_NUMBER:
        raise UsageError(f'{said} {text!r}: {who} is no number of a user')
    if (int(who) if entry is None else entry.pw_uid) == 0:
        raise UsageError(f'{said} {text!r}: this is root, who may do everything: give another user')
    if entry is None and not colon:
        raise UsageError(f'{said} {text!r}: the system has no name for this user, so give its '
                         f"group too, as in '{who}:{who}'")
    gid = _gid(group, text, said) if colon or entry is None else entry.pw_gid
    if entry is None:
        return User(who, int(who), gid, (gid,), os.sep)
    groups = tuple(dict.fromkeys([gid, *os.getgrouplist(entry.pw_name, gid)]))
    if len(groups) > _MOST_GROUPS:
        raise UsageError(f'{said} {text!r}: this user is in {len(groups)} groups; {_MOST_GROUPS} '
                         'can be taken along: give one that is in fewer')
    return User(entry.pw_name, entry.pw_uid, gid, groups, entry.pw_dir or os.sep)


def closed_part(path: str, may_enter: Callable[[str], bool]) -> Optional[str]:
    """The first folder on the way to a path that may not be entered; None where there is none.

    Links on the way are followed too.
    """
    for each in dict.fromkeys([os.path.abspath(path), os.path.realpath(path)]):
        for folder in _folders_above(each):
            if not may_enter(folder):
                return folder
    return None


def enters_by_mode(user: User) -> Callable[[str], bool]:
    """Whether the mode of a folder lets a user enter it; access lists are not looked at."""

    def may_enter(folder: str) -> bool:
        with suppress(OSError):
            found = os.stat(folder)
            shift = 6 if found.st_uid == user.uid else 3 if found.st_gid in user.groups else 0
            return bool(found.st_mode >> shift & 1)
        return True

    return may_enter


def described(path: str) -> str:
    """A path with its owner and its mode, for messages."""
    try:
        found = os.stat(path)
    except OSError:
        return path
    owner: object = found.st_uid
    with suppress(KeyError):
        owner = pwd.getpwuid(found.st_uid).pw_name
    return f'{path} (of {owner}, mode {found.st_mode & 0o7777:04o})'


def _entry(who: str) -> Optional[pwd.struct_passwd]:
    with suppress(KeyError, OverflowError, ValueError):
        return pwd.getpwuid(int(who)) if _is_number(who) else pwd.getpwnam(who)
    return None


def _gid(group: str, text: str, said: str) -> int:
    if _is_number(group):
        if int(group) >= _NO_NUMBER:
            raise UsageError(f'{said} {text!r}: {group} is no number of a group')
        return int(group)
    with suppress(KeyError, ValueError):
        return grp.getgrnam(group).gr_gid
    raise UsageError(f'{said} {text!r}: there is no group {group!r} on this system')


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal()


def _folders_above(path: str) -> Iterator[str]:
    """From the root on."""
    parts = path.split(os.sep)[1:-1]
    return (os.sep + os.sep.join(parts[:count]) for count in range(len(parts) + 1))
