"""A file for browsers: compressed once, and sent only to who has not got it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Optional

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header, parse_etags

from mms.frontend.exchange import HTTPRequest, HTTPResponse

# Of SHA-256, in hexadecimal.
_DIGITS = 16


class StaticFile:
    """What is sent of a file.

    Parameters
    ----------
    content, content_type
        All of it, and what it is.
    """

    def __init__(self, content: bytes, content_type: str) -> None:
        self.content = content
        self.content_type = content_type
        self._digest = hashlib.sha256(content).hexdigest()[:_DIGITS]

    @cached_property
    def compressed(self) -> bytes:
        """Its content by gzip, made once: 40 ms for each megabyte."""
        return gzip.compress(self.content, mtime=0)

    def response(self, request: HTTPRequest, headers: Sequence[tuple[str, str]],
                 status: int = 200) -> HTTPResponse:
        """What a request for it is answered: that the client has it, where it says so."""
        environ = request.environ
        is_compressed = _takes_gzip(environ.get('HTTP_ACCEPT_ENCODING'))
        tag = f'{self._digest}-gzip' if is_compressed else self._digest
        if parse_etags(environ.get('HTTP_IF_NONE_MATCH')).contains_weak(tag):
            response = HTTPResponse(304, self.content_type, (), 0)
            # It has no content, of whatever length.
            del response.headers[1]
        else:
            body = self.compressed if is_compressed else self.content
            response = HTTPResponse(status, self.content_type, (body,), len(body))
            if is_compressed:
                response.headers.append(('Content-Encoding', 'gzip'))
        response.headers += [('ETag', f'"{tag}"'), ('Vary', 'Accept-Encoding'), *headers]
        return response


def _takes_gzip(accepted: Optional[str]) -> bool:
    return bool(parse_accept_header(accepted or '', Accept).quality('gzip'))
