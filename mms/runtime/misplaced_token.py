"""A token that was given in the place of the file that holds it: no message shows it."""

from __future__ import annotations

import errno
import os
import re

from mms.errors import UsageError

_TOKEN = re.compile(r'[A-Za-z0-9._~+/-]+=*')
_FEWEST_CHARACTERS = 16
# Names of files have slashes and dots too, and seldom all that random letters have.
_RANDOM = re.compile(r'(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{24,}')
_SHOWN = 4


def refuse_token(text: str, said: str) -> None:
    """Refuse what looks like a token, and names no file.

    Parameters
    ----------
    text
        What was given.
    said
        Where, for messages.

    Raises
    ------
    UsageError
    """
    if _looks_like_token(text) and not _exists(text):
        raise UsageError(f"{said} '{text[:_SHOWN]}...' looks like a token, and there is no such "
                         'file: give the path of a FILE with the token in it')


def _looks_like_token(text: str) -> bool:
    if len(text) < _FEWEST_CHARACTERS or not _TOKEN.fullmatch(text):
        return False
    if '/' not in text and '.' not in text:
        return True
    return text[0] not in '/.~' and _RANDOM.fullmatch(text) is not None \
        and not os.path.isdir(text.split('/')[0])


def _exists(text: str) -> bool:
    try:
        os.lstat(text)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        return error.errno != errno.ENAMETOOLONG
    return True
