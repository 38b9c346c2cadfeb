"""Model locations: what kind they are, and how to show them without their secrets."""

from __future__ import annotations

import ntpath
import re
from urllib.parse import unquote, urlsplit

_SCHEME = re.compile(r'([A-Za-z][A-Za-z0-9+.-]*)://|(file):', re.IGNORECASE)
_USER_INFO = re.compile(r'://[^/?#]*@')
# 'user:pass/word@host': a password whose slash was not percent-encoded.
_BROKEN_USER_INFO = re.compile(r'://[^/?#:@]*:(?![0-9]*(?:[/?#]|$)).*@')
DEFAULT_NAME = 'archive.model'
# Most file systems take 255 bytes; the rest is for a suffix.
_MAX_NAME_BYTES = 200


def scheme_of(location: str) -> str:
    """The URL scheme in lower case; '' for a path."""
    match = _SCHEME.match(location)
    return (match.group(1) or match.group(2)).lower() if match else ''


def redacted(location: str) -> str:
    """`location` as messages may show it: a URL without user, password and query.

    The query goes too, since it is where pre-signed URLs keep their key.
    """
    if scheme_of(location) in ('', 'file'):
        return location
    shown = _USER_INFO.sub('://', location, count=1)
    shown = _BROKEN_USER_INFO.sub('://', shown, count=1)
    return re.split(r'[?#]', shown, maxsplit=1)[0]


def path_of(file_url: str) -> tuple[str, str]:
    """Host and percent-decoded path of a ``file:`` URL."""
    rest = file_url[len('file:'):]
    host = ''
    if rest.startswith('//'):
        host, slash, rest = rest[2:].partition('/')
        rest = slash + rest
    return host, unquote(rest)


def file_name(url: str) -> str:
    """A safe base name for what `url` points to; query and fragment play no part."""
    return safe_name(unquote(urlsplit(url).path))


def safe_name(path: str) -> str:
    """The last part of `path`, fit for a file of ours."""
    name = ntpath.basename(path.rstrip('/')).replace('\0', '')
    name = name.encode('utf-8', 'ignore')[-_MAX_NAME_BYTES:].decode('utf-8', 'ignore')
    return name if name.strip('.') else DEFAULT_NAME
