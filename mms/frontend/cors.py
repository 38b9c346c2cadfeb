"""Cross-origin requests: scripts of every page may ask, and read the answers.

The headers are those of the Fetch standard; without an ``Origin`` the answer is the same for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ANYBODY = [('Access-Control-Allow-Origin', '*')]
_METHODS = ('DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT')


def cors_headers(method: str, environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Headers of the response to a request.

    Parameters
    ----------
    method
        Of the request, in capital letters.
    environ
        Its WSGI environment.
    """
    if method == 'POST' and 'HTTP_ORIGIN' not in environ:
        # Not from a browser: nearly all are.
        return _ANYBODY
    origin = environ.get('HTTP_ORIGIN')
    headers = [('Access-Control-Allow-Origin', origin)] if origin else _ANYBODY
    if environ.get('HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK') == 'true':
        headers = [*headers, ('Access-Control-Allow-Private-Network', 'false')]
    if method == 'OPTIONS':
        headers = headers + _preflight_headers(environ)
    return [*headers, ('Vary', 'Origin')] if origin else headers


def _preflight_headers(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A browser asks first whether a script may send this method and these headers."""
    method = environ.get('HTTP_ACCESS_CONTROL_REQUEST_METHOD', '').upper()
    if method not in _METHODS:
        return []
    names = environ.get('HTTP_ACCESS_CONTROL_REQUEST_HEADERS')
    headers = [('Access-Control-Allow-Headers', _sorted(names))] if names else []
    return [*headers, ('Access-Control-Allow-Methods', ', '.join(_METHODS))]


def _sorted(names: str) -> str:
    return ', '.join(sorted(name.strip() for name in names.split(',')))
