"""Model locations: what kind they are, and how to show them without their secrets."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import Optional

_SCHEME = re.compile(r'([A-Za-z][A-Za-z0-9+.-]*)://|(file):', re.IGNORECASE)
# Also where it is not at the beginning, as after a quote or a blank too many, or another NAME=, and
# where slashes are missing.
_ANYWHERE = re.compile(r'[A-Za-z0-9+.-]://|\b(?:https?|s3|ftp):', re.IGNORECASE)
_USER_INFO = re.compile(r':/*[^/?#]*@')
_WITH_QUERY = ('http', 'https')
# At the end of a location, and in this form alone: a path may have a # of its own.
_DIGEST = re.compile(r'#sha256=([0-9A-Fa-f]{64})\Z')
# What is meant for one, and is none.
_LIKE_A_DIGEST = re.compile(r'#(sha-?\d*|md5)[=:-][^#/]*\Z', re.IGNORECASE)
# 'user:pass#word@host': the same of a hash, before which the text is cut.
_CUT_USER_INFO = re.compile(r'^(:/*[^/:@\[]*):(?![0-9]*(?:/|$)).*', re.DOTALL)
# 'user:pass/word@host': a password whose slash was not percent-encoded.
_BROKEN_USER_INFO = re.compile(r':/*[^/?#:@]*:(?![0-9]*(?:[/?#]|$)).*@', re.DOTALL)


@dataclass(frozen=True)
class Location:
    """Where an archive lies: a file, a folder, or a URL.

    As text it is its redacted form, so that no message holds the secrets of a URL.

    Attributes
    ----------
    text
        As the user has written it, without the digest; a URL may hold a user, a password and a
        query.
    scheme
        The URL scheme in lower case; '' for a path.
    redacted
        As messages may show it.
    digest
        The SHA-256 that the archive must have, in hex of lower case.
    is_real
        Whether it is a path without links, and nothing is opened if it leads through one by then.
    """

    text: str = field(repr=False)
    scheme: str
    redacted: str
    digest: Optional[str] = None
    is_real: bool = False

    @classmethod
    def parse(cls, text: str) -> Location:
        """The location that a user has written; any text is one."""
        match = _DIGEST.search(text)
        if match:
            text = text[:match.start()]
        return cls(text, scheme_of(text), redacted(text),
                   digest=match.group(1).lower() if match else None)

    @property
    def path(self) -> str:
        """The path, where it is one, with ``~`` expanded; '' for a URL."""
        return '' if self.scheme else os.path.expanduser(self.text)

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return self.scheme in ('', 'file')

    @property
    def listed(self) -> str:
        """As listings of models show it: redacted, with its digest."""
        return self.redacted if self.digest is None else f'{self.redacted}#sha256={self.digest}'

    @property
    def fault(self) -> str:
        """What is wrong with what stands in the place of a digest; an empty string for nothing."""
        match = _LIKE_A_DIGEST.search(self.text)
        return '' if match is None else (
            f'{match.group().lstrip("#")!r} is no digest: give #sha256= and 64 hexadecimal digits')

    def beside(self, suffix: str) -> Location:
        """The file beside it whose name is longer by `suffix`; the query of a URL is the same."""
        path, rest = self.text, ''
        if self.scheme in _WITH_QUERY:
            path = re.split(r'[?#]', self.text, maxsplit=1)[0]
            rest = self.text[len(path):]
        text = f'{path}{suffix}{rest}'
        return replace(self, text=text, redacted=redacted(text), digest=None)

    def __str__(self) -> str:
        return self.redacted


def scheme_of(text: str) -> str:
    """The URL scheme in lower case; '' for a path."""
    match = _SCHEME.match(text)
    return (match.group(1) or match.group(2)).lower() if match else ''


def redacted(text: str) -> str:
    """`text` as messages may show it: a URL without user, password and query.

    The query goes too, since it is where pre-signed URLs keep their key.
    """
    url = _ANYWHERE.search(text)
    if url is None or scheme_of(text) == 'file':
        return text
    colon = text.index(':', url.start())
    shown = re.split(r'[?#]', text[colon:], maxsplit=1)[0]
    is_cut = '@' in text[colon + len(shown):]
    shown = _USER_INFO.sub(_slashes, shown, count=1)
    shown = _BROKEN_USER_INFO.sub(_slashes, shown, count=1)
    if is_cut:
        shown = _CUT_USER_INFO.sub(r'\1', shown, count=1)
    return text[:colon] + shown


def _slashes(found: re.Match[str]) -> str:
    """What stood between the scheme and the user."""
    text = found[0]
    return text[:len(text) - len(text[1:].lstrip('/'))]
