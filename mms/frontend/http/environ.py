"""The WSGI environment of a request (PEP 3333)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Optional
from urllib.parse import unquote_to_bytes

from mms.frontend.http.head import Head

# Clients send a few names, which are short. Somebody may make up any number of them, each as long
# as a head may be, and what is remembered here counts in no budget.
_REMEMBERED = 1024
_LONGEST_REMEMBERED = 64
# What a client sends to a proxy, which may pass it on.
_ABSOLUTE = re.compile(r'https?://[^/?]*', re.IGNORECASE)


def environ_of(head: Head, base: Mapping[str, Any], host: str, port: int) -> dict[str, Any]:
    """All of it but the body.

    Parameters
    ----------
    base
        What all requests of the server have.
    host, port
        Of the client.
    """
    headers, path = head.headers, head.target
    if path[:1] != '/':
        absolute = _ABSOLUTE.match(path)
        if absolute:
            path = path[absolute.end():] or '/'
    path, _, query = path.partition('?')
    environ = {
        **base, 'REQUEST_METHOD': head.method, 'SCRIPT_NAME': '', 'QUERY_STRING': query,
        'PATH_INFO': unquote_to_bytes(path.encode('latin-1')).decode('latin-1')
        if '%' in path else path,
        'SERVER_PROTOCOL': head.version, 'REMOTE_ADDR': host, 'REMOTE_PORT': str(port)}
    kind, length = headers.get('content-type'), headers.get('content-length')
    if kind is not None:
        environ['CONTENT_TYPE'] = kind
    if length is not None:
        environ['CONTENT_LENGTH'] = length
    for name, value in headers.pairs:
        key = (_remembered_key if len(name) <= _LONGEST_REMEMBERED else _key)(name)
        if key is None:
            continue
        if key in environ:
            environ[key] += f"{'; ' if 'COOKIE' in key else ','}{value}"
        else:
            environ[key] = value
    return environ


def _key(name: str) -> Optional[str]:
    """That of a header; None where it has none."""
    # As `-` and `_` are one in an environment, the latter could stand for the former.
    if '_' in name:
        return None
    key = name.replace('-', '_').upper()
    return None if key in ('CONTENT_TYPE', 'CONTENT_LENGTH') else f'HTTP_{key}'


_remembered_key = lru_cache(maxsize=_REMEMBERED)(_key)
