"""The files of the console: read once, compressed once, kept by browsers for good."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Callable

from werkzeug.exceptions import NotFound

from mms.frontend.exchange import HTTPRequest, HTTPResponse
from mms.frontend.static_file import StaticFile

_STATIC = Path(__file__).parent / 'static'
_INDEX = 'index.html'
_TYPES = {'.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8',
          '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml'}
# In the text of the page: what its other files are called by, and what it is told.
_DIGEST, _FACTS = '@DIGEST@', '@FACTS@'
# Of SHA-256, in hexadecimal.
_DIGITS = 16

# No script, style, picture or answer of anybody else's, nothing inline, and in nobody's frame.
_POLICY = '; '.join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob: data:",
    "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    "require-trusted-types-for 'script'"))
_HEADERS = [
    ('Content-Security-Policy', _POLICY),
    ('X-Content-Type-Options', 'nosniff'),
    ('X-Frame-Options', 'DENY'),
    ('Referrer-Policy', 'no-referrer'),
    ('Cross-Origin-Opener-Policy', 'same-origin'),
    ('Permissions-Policy', 'camera=(self), microphone=(), geolocation=()'),
]
_ASK_AGAIN = 'no-cache'
_FOR_GOOD = 'public, max-age=31536000, immutable'

Facts = Mapping[str, Any]


class Pages:
    """Answers who asks for the console's page, and for what that takes.

    Parameters
    ----------
    facts
        What the page is told before it asks anything; everybody may know it.

    Attributes
    ----------
    digest
        Of all files: other files have other URLs, so that browsers need not ask whether they have
        the latest.
    """

    def __init__(self, facts: Callable[[], Facts]) -> None:
        self._facts = facts
        self._texts = {path.name: path.read_bytes() for path in sorted(_STATIC.iterdir())
                       if path.suffix in _TYPES}
        self.digest = _digest(b'\0'.join(self._texts.values()))
        self._files = {name: StaticFile(text, _TYPES[Path(name).suffix])
                       for name, text in self._texts.items() if name != _INDEX}

    def index(self, request: HTTPRequest) -> HTTPResponse:
        """The page."""
        facts = escape(json.dumps(self._facts(), sort_keys=True))
        text = self._texts[_INDEX].decode().replace(_DIGEST, self.digest).replace(_FACTS, facts)
        page = StaticFile(text.encode(), _TYPES['.html'])
        return page.response(request, [('Cache-Control', _ASK_AGAIN), *_HEADERS])

    def without_slash(self, request: HTTPRequest) -> HTTPResponse:
        """Where the page is; in front of a proxy that may be anywhere."""
        response = HTTPResponse(308, _TYPES['.html'], (), 0)
        response.headers += [('Location', '../console'), *_HEADERS]
        return response

    def file(self, request: HTTPRequest) -> HTTPResponse:
        """One of its files.

        Raises
        ------
        NotFound
            There is none of this name.
        """
        found = self._files.get(request.parameters['file'])
        if found is None:
            raise NotFound
        return found.response(request, [('Cache-Control', _FOR_GOOD), *_HEADERS])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]
