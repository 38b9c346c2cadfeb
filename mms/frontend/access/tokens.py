"""The tokens that a port takes, and the one that a request has."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Optional, Protocol

from mms.frontend.access.scopes import Scopes

_BEARER = re.compile(r'bearer +(\S+) *', re.IGNORECASE)
# What is no token at all: no digest is looked for.
_WRONG = ''
_MADE_BYTES = 32


class Token(NamedTuple):
    """What is known of a token; not the token itself.

    Attributes
    ----------
    digest
        SHA-256 of it.
    scopes
        What it is good for.
    name
        For the log; empty where it has none.
    """

    digest: bytes
    scopes: Scopes
    name: str = ''


class TokenSource(Protocol):
    """Knows the tokens that a port takes."""

    @abstractmethod
    def find(self, sent: str) -> Optional[Token]:
        """What is known of a token that was sent; None where it is not one of these."""


class Tokens:
    """Some tokens.

    Parameters
    ----------
    tokens
        What is known of each.
    """

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._tokens = tuple(tokens)

    def __len__(self) -> int:
        return len(self._tokens)

    @property
    def listed(self) -> Sequence[Token]:
        """All of them."""
        return self._tokens

    def find(self, sent: str) -> Optional[Token]:
        """What is known of a token that was sent; it takes as long for any that is sent."""
        digest, found = digest_of(sent), None
        for token in self._tokens:
            # All of them: the time tells nothing of which it is, nor whether it is near.
            if hmac.compare_digest(digest, token.digest):
                found = token
        return found


class AnyOf:
    """The tokens of several sources.

    Parameters
    ----------
    sources
        Each is asked.
    """

    def __init__(self, sources: Sequence[TokenSource]) -> None:
        self._sources = tuple(sources)

    def find(self, sent: str) -> Optional[Token]:
        """What the first source that knows it knows of a token that was sent."""
        found = [source.find(sent) for source in self._sources]
        return next((token for token in found if token is not None), None)


def sent_token(environ: Mapping[str, Any]) -> Optional[str]:
    """The token of a request: in ``Authorization: Bearer TOKEN`` (RFC 6750), or in ``X-API-Key``.

    Parameters
    ----------
    environ
        Its WSGI environment.

    Returns
    -------
    str or None
        None where it has none; an empty text where it has one that cannot be, or two that differ.
        ``Authorization`` of another scheme, as of a proxy, is none.
    """
    authorization: Optional[str] = environ.get('HTTP_AUTHORIZATION')
    key: Optional[str] = environ.get('HTTP_X_API_KEY')
    bearer = None
    if authorization is not None and authorization[:6].lower() == 'bearer':
        found = _BEARER.fullmatch(authorization)
        bearer = found[1] if found else _WRONG
    if key is None or bearer is None:
        return bearer if key is None else key.strip()
    return bearer if hmac.compare_digest(digest_of(bearer), digest_of(key.strip())) else _WRONG


def made_up() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(_MADE_BYTES)


def digest_of(token: str) -> bytes:
    """SHA-256 of a token."""
    return hashlib.sha256(token.encode('utf-8', 'surrogateescape')).digest()
