"""The tokens that a port asks for: ``Authorization: Bearer TOKEN`` of RFC 6750."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from mms.errors import UsageError

logger = logging.getLogger(__name__)

# What RFC 6750 lets a token be (its b64token).
_TOKEN = re.compile(r'[A-Za-z0-9._~+/-]+=*')
_BEARER = re.compile(r'bearer +(\S+) *', re.IGNORECASE)
# More than fits into any list of tokens: somebody has named another file.
_MOST_CHARACTERS = 2**20
_MADE_BYTES = 32


class TokenCheck(Protocol):
    """Says who may ask."""

    @abstractmethod
    def allows(self, environ: Mapping[str, Any]) -> bool:
        """Whether a request, of this WSGI environment, may be answered."""

    @abstractmethod
    def reload(self) -> None:
        """Read again what may have changed; what cannot be read is logged, and stays."""


class Anybody:
    """No token is asked for."""

    def allows(self, environ: Mapping[str, Any]) -> bool:
        """Always."""
        return True

    def reload(self) -> None:
        """Nothing is read."""


class Tokens:
    """Those of some texts are allowed.

    Parameters
    ----------
    tokens
        The texts.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self._digests = frozenset(map(_digest, tokens))

    def allows(self, environ: Mapping[str, Any]) -> bool:
        """Whether the request has one of the tokens; it takes as long for any that it has."""
        found = _BEARER.fullmatch(environ.get('HTTP_AUTHORIZATION', ''))
        digest = _digest(found.group(1) if found else '')
        # Of all, so that the time tells nothing of which is near.
        matches = [hmac.compare_digest(digest, one) for one in self._digests]
        return found is not None and any(matches)

    def reload(self) -> None:
        """Nothing is read."""


class TokenFile:
    """Those that stand in a file, one on each line, are allowed.

    Parameters
    ----------
    path
        The file.
    said
        Where its name was given, for messages.

    Raises
    ------
    UsageError
        It cannot be read, or holds no tokens.
    """

    def __init__(self, path: str, said: str) -> None:
        self._path = path
        self._said = said
        self._tokens = Tokens(self._read())

    def allows(self, environ: Mapping[str, Any]) -> bool:
        """Whether the request has one of the tokens."""
        return self._tokens.allows(environ)

    def reload(self) -> None:
        """Read the file again; where it cannot be used, the tokens stay as they were."""
        if not os.path.isfile(self._path) and os.path.exists(self._path):
            # A pipe, which can be read once.
            logger.warning('The tokens of the management port stay as they were: %s is no file.',
                           self._path)
            return
        try:
            self._tokens = Tokens(self._read())
        except UsageError as error:
            logger.error('The tokens of the management port stay as they were: %s', error)
        else:
            logger.info('The tokens of the management port were read again.')

    def _read(self) -> list[str]:
        try:
            # Some editors put a mark before UTF-8.
            with open(self._path, encoding='utf-8-sig') as file:
                text = file.read(_MOST_CHARACTERS + 1)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, 'strerror', None) or 'it is no text in UTF-8'
            raise self._refused(f'cannot be read: {reason}') from error
        if len(text) > _MOST_CHARACTERS:
            # The last line would count, as far as it was read.
            raise self._refused('is too long for a list of tokens')
        given = {number: line.strip() for number, line in enumerate(text.splitlines(), 1)
                 if line.strip()}
        for number, token in given.items():
            if not _TOKEN.fullmatch(token):
                raise self._refused(f'has no token in line {number}: those are letters, digits '
                                    'and any of -._~+/')
        if not given:
            raise self._refused('holds no token: give one on each line')
        return list(given.values())

    def _refused(self, reason: str) -> UsageError:
        return UsageError(f'{self._said} {self._path!r} {reason}')


def made_up() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(_MADE_BYTES)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode('utf-8', 'surrogateescape')).digest()
