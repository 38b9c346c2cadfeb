"""The head of a request, and what it says of its body and of its connection."""

from __future__ import annotations

from typing import NamedTuple, Optional

from mms.frontend.http.headers import PlainHeaders


class Head(NamedTuple):
    """What a request asks, and how.

    Attributes
    ----------
    method, target, version
        Of its first line.
    headers
        The lines behind it.
    length
        Of its body in bytes; None where it does not say so.
    """

    method: str
    target: str
    version: str
    headers: PlainHeaders
    length: Optional[int]

    @property
    def is_chunked(self) -> bool:
        """Whether its body comes in chunks."""
        return 'transfer-encoding' in self.headers

    @property
    def awaits_100(self) -> bool:
        """Whether its client sends the body once it is told to go on."""
        return (self.version == 'HTTP/1.1'
                and self.headers.get('expect', '').lower() == '100-continue')

    @property
    def keeps_open(self) -> bool:
        """Whether its client may send another request on its connection."""
        if 'connection' not in self.headers:
            return self.version == 'HTTP/1.1'
        words = ','.join(self.headers.all('connection')).lower().split(',')
        if 'close' in [word.strip() for word in words]:
            return False
        return self.version == 'HTTP/1.1' or (
            self.version == 'HTTP/1.0'
            and self.headers.get('connection', '').lower() == 'keep-alive')


def head_of(method: str, target: str, version: str, headers: PlainHeaders) -> Head:
    """The head of a request.

    Raises
    ------
    BadHead
        Two readers could take the end of its body, or its host, differently.
    ValueError
        It may have no body.
    """
    headers.check_framing(version)
    headers.check_host()
    sent = headers.get('content-length')
    length = None if sent is None else int(sent)
    if length and method == 'HEAD':
        raise ValueError('Unexpected Content-Length')
    return Head(method, target, version, headers, length)
