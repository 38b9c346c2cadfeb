"""Cross-origin requests: which scripts of other pages may ask, and read the answers.

The headers are those of the Fetch standard; without an ``Origin`` the answer is the same for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mms.config.cors_origins import EVERY_ORIGIN, Origins

_ANYBODY = [('Access-Control-Allow-Origin', '*')]
# Another origin gets another answer: so caches are told.
_VARIES = [('Vary', 'Origin')]
_METHODS = ('DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT')
# What scripts may read beside the few headers that they always may.
_EXPOSED = ('Access-Control-Expose-Headers', 'Inference-Header-Content-Length, Retry-After, '
                                             'WWW-Authenticate, X-Request-Id')


def cors_headers(method: str, environ: Mapping[str, Any],
                 origins: Origins = EVERY_ORIGIN) -> list[tuple[str, str]]:
    """Headers of the response to a request.

    Parameters
    ----------
    method
        Of the request, in capital letters.
    environ
        Its WSGI environment.
    origins
        Those whose pages may ask.
    """
    origin = environ.get('HTTP_ORIGIN')
    if not origins.every:
        return _of_some(method, environ, origins, origin)
    if method == 'POST' and origin is None:
        # Not from a browser: nearly all are.
        return _ANYBODY
    return _of_one(method, environ, origin) if origin else _ANYBODY + _private(environ) + (
        _preflight_headers(environ) if method == 'OPTIONS' else [])


def is_preflight(method: str, environ: Mapping[str, Any], origins: Origins) -> bool:
    """Whether a browser asks whether a page that may ask may send a request."""
    return (method == 'OPTIONS' and 'HTTP_ACCESS_CONTROL_REQUEST_METHOD' in environ
            and origins.allows(environ.get('HTTP_ORIGIN', '')) and 'HTTP_ORIGIN' in environ)


def _of_some(method: str, environ: Mapping[str, Any], origins: Origins,
             origin: Any) -> list[tuple[str, str]]:
    if origins.is_none:
        return []
    return _of_one(method, environ, origin) if origin and origins.allows(origin) else _VARIES


def _of_one(method: str, environ: Mapping[str, Any], origin: str) -> list[tuple[str, str]]:
    headers = [('Access-Control-Allow-Origin', origin), *_private(environ)]
    headers += _preflight_headers(environ) if method == 'OPTIONS' else [_EXPOSED]
    return headers + _VARIES


def _private(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    if environ.get('HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK') == 'true':
        return [('Access-Control-Allow-Private-Network', 'false')]
    return []


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
