"""The token that a management port asks for: given, or left by a server on this machine."""

from __future__ import annotations

import re
from typing import Optional

from mms.client.management_address import ManagementAddress
from mms.errors import UsageError
from mms.runtime.misplaced_token import refuse_token
from mms.runtime.token_file import read_token

# In the place of a file: no token is sent. The server takes the same word.
NO_TOKEN = 'none'
# What RFC 6750 lets a token be (its b64token).
_TOKEN = re.compile(r'[A-Za-z0-9._~+/-]+=*')
# Behind the token of a list that says what each is good for.
_SCOPES = re.compile(r'(?:predict|metrics|manage)(?:,(?:predict|metrics|manage))*')
_MANAGE = 'manage'
# A list of tokens is shorter.
_MOST_CHARACTERS = 2**20


def find_token(file: Optional[str], address: ManagementAddress) -> Optional[str]:
    """The token to send.

    Parameters
    ----------
    file
        Where it was said to be, or ``none``; None where nothing was said.
    address
        Of the port. What a server has left on this machine is sent to no other one.

    Raises
    ------
    UsageError
        The file cannot be read, or has no token.
    """
    if file == NO_TOKEN:
        return None
    if file is None:
        return read_token(address.port) if address.is_here else None
    refuse_token(file, 'the token file')
    lines = [line.strip() for line in _lines(file) if line.strip()]
    if not lines:
        raise UsageError(f'the token file {file!r} is empty')
    if _is_scoped(lines):
        return _that_may_manage(lines, file)
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


def _that_may_manage(lines: list[str], file: str) -> str:
    words = [line.split() for line in lines if not line.startswith('#')]
    tokens = [token for token, scopes, *_ in words if _MANAGE in scopes.split(',')]
    for token in tokens:
        # Those of which it has the digest alone are of no use.
        if ':' not in token:
            return _checked(token, file)
    if tokens:
        raise UsageError(f'the token file {file!r} has the digest alone of a token of the scope '
                         f'{_MANAGE}, which cannot be sent: give a file with the token itself')
    raise UsageError(f'the token file {file!r} has no token of the scope {_MANAGE}')


def _checked(token: str, file: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise UsageError(f'the first line of the token file {file!r} is no token: those are '
                         'letters, digits and any of -._~+/')
    return token
