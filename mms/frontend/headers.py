"""The head of a request, read without Python's email parser where nothing in it needs that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Optional

# Limits of http.client, which reads what is not plain.
_LONGEST_LINE = 65536
_MOST_LINES = 100
# ASCII, no line that goes on in the next one, nothing between a name and its colon.
_PLAIN = re.compile(rb"(?:[\w!#$%&'*+.^`|~-]+:[\t -~]*\r\n)*\r\n", re.ASCII)


class PlainHeaders:
    """Header lines without any surprise; what pywsgi uses of an email message.

    Attributes
    ----------
    status
        Why they cannot be read: never.
    headers
        The lines.
    """

    status = ''

    def __init__(self, block: str) -> None:
        self.headers = block.splitlines(keepends=True)[:-1]
        self._values: dict[str, str] = {}
        for name, value in self.pairs():
            self._values.setdefault(name.lower(), value)

    @property
    def typeheader(self) -> Optional[str]:
        """The value of ``Content-Type``."""
        return self._values.get('content-type')

    def get(self, name: str, default: Any = None) -> Any:
        """First value of a header."""
        return self._values.get(name.lower(), default)

    getheader = get

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Name and value of each line."""
        for line in self.headers:
            name, _, value = line.partition(':')
            yield name, value.lstrip(' \t').rstrip('\r\n')

    def __delitem__(self, name: str) -> None:
        self._values.pop(name.lower(), None)
        self.headers = [line for line in self.headers
                        if line.partition(':')[0].lower() != name.lower()]


def read_block(stream: Any) -> bytes:
    """Bytes up to the empty line that ends a head, or up to where it breaks a limit."""
    lines: list[bytes] = []
    while len(lines) <= _MOST_LINES:
        line = stream.readline(_LONGEST_LINE + 1)
        lines.append(line)
        if line in (b'\r\n', b'\n', b'') or len(line) > _LONGEST_LINE:
            break
    return b''.join(lines)


def plain_headers(block: bytes) -> Optional[PlainHeaders]:
    """The head's lines, or None where they are not plain."""
    if block.count(b'\n') > _MOST_LINES or not _PLAIN.fullmatch(block):
        return None
    return PlainHeaders(block.decode('ascii'))
