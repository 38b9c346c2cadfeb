"""A file with a token to send: the token alone, or a list of the server's."""

from __future__ import annotations

import re

from mms.errors import UsageError
from mms.runtime.misplaced_token import refuse_token

# In the place of a file: no token is sent. The server takes the same word.
NO_TOKEN = 'none'
# What RFC 6750 lets a token be (its b64token).
TOKEN = re.compile(r'[A-Za-z0-9._~+/-]+=*')
# Behind the token of a list that says what each is good for.
_SCOPES = re.compile(r'(?:predict|metrics|manage)(?:,(?:predict|metrics|manage))*')
# A list of tokens is shorter.
_MOST_CHARACTERS = 2**20


def token_in(file: str, scope: str) -> str:
    """The token of a file.

    Parameters
    ----------
    file
        Its first line is the token; or it is one of ``--auth-token-file``.
    scope
        What the token has to be good for, where the file says so.

    Raises
    ------
    UsageError
        The file cannot be read, or has no such token.
    """
    refuse_token(file, 'the token file')
    lines = [line.strip() for line in _lines(file) if line.strip()]
    if not lines:
        raise UsageError(f'the token file {file!r} is empty')
    if _is_scoped(lines):
        return _good_for(scope, lines, file)
    return _checked(lines[0], file)


def _lines(file: str) -> list[str]:
    try:
        with open(file, encoding='utf-8-sig') as opened:
            # As the server takes it: a form feed in a comment is not the end of it.
            return opened.read(_MOST_CHARACTERS).split('\n')
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or 'it is no text in UTF-8'
        raise UsageError(f'the token file {file!r} cannot be read: {reason}; give a file with '
                         'the token in it') from error


def _is_scoped(lines: list[str]) -> bool:
    """Whether it is a file as the server's ``--auth-token-file`` takes it."""
    return all(line.startswith('#') or _SCOPES.fullmatch(''.join(line.split()[1:2]))
               for line in lines)


def _good_for(scope: str, lines: list[str], file: str) -> str:
    words = [line.split() for line in lines if not line.startswith('#')]
    tokens = [token for token, scopes, *_ in words if scope in scopes.split(',')]
    for token in tokens:
        # Those of which it has the digest alone are of no use.
        if ':' not in token:
            return _checked(token, file)
    if tokens:
        raise UsageError(f'the token file {file!r} has the digest alone of a token of the scope '
                         f'{scope}, which cannot be sent: give a file with the token itself')
    raise UsageError(f'the token file {file!r} has no token of the scope {scope}')


def _checked(token: str, file: str) -> str:
    if not TOKEN.fullmatch(token):
        raise UsageError(f'the first line of the token file {file!r} is no token: those are '
                         'letters, digits and any of -._~+/')
    return token
