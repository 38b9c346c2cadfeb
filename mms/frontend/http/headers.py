"""The head of a request: its lines, and what they say about where the body ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Optional

from mms.frontend.http.limits import HEAD_BYTES, HEADER_LINES

_PIECE_BYTES = 8192
# RFC 9112, 5: nothing between a name and its colon, no line that goes on in the next one, no
# control characters. A bare LF may end a line (2.2).
_LINES = re.compile(
    rb"(?:[A-Za-z0-9!#$%&'*+.^_`|~-]+:[\t\x20-\x7e\x80-\xff]*\r?\n)*\r?\n")
# Section 3: single spaces. Beyond ASCII there are bytes that are blanks to Python alone, and
# HTTP/0.9 knows no heads, so that others take what follows for another request.
_REQUEST_LINE = re.compile(
    r"[A-Za-z0-9!#$%&'*+.^_`|~-]+ [\x21-\x7e\x80-\xff]+ HTTP/1\.[0-9]\r?\n")
# A length that 64 bits hold, and no sign, space or underscore, which int() would take.
_LENGTH = re.compile(r'[0-9]{1,18}', re.ASCII)
_SPACE = ' \t'


class BadHead(ValueError):
    """Two readers could understand the head of a request differently."""


class LargeHead(BadHead):
    """It is larger than anybody needs."""


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
        # Not splitlines(): in Latin-1, the byte 0x85 is the end of a line too.
        self.headers = [line.rstrip('\r') + '\r\n' for line in block.split('\n')[:-2]]
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
            name, _, value = line[:-2].partition(':')
            yield name, value.strip(_SPACE)

    def __delitem__(self, name: str) -> None:
        self._values.pop(name.lower(), None)
        self.headers = [line for line in self.headers
                        if line.partition(':')[0].lower() != name.lower()]

    def check_framing(self, version: str) -> None:
        """Make sure that the end of the body is beyond doubt.

        Parameters
        ----------
        version
            Of the request line, as ``HTTP/1.1``.

        Raises
        ------
        BadHead
            A proxy in front could find another end (RFC 9112, 6.1 and 6.3), and take a part of
            one request for another one.
        """
        if 'transfer-encoding' not in self._values and 'content-length' not in self._values:
            return
        codings = self.all('transfer-encoding')
        lengths = self.all('content-length')
        if codings and (len(codings) > 1 or codings[0].lower() != 'chunked'):
            raise BadHead('Transfer-Encoding may be chunked, once, and nothing else')
        if codings and lengths:
            raise BadHead('it has both Transfer-Encoding and Content-Length')
        if codings and version != 'HTTP/1.1':
            raise BadHead('Transfer-Encoding is for HTTP/1.1 alone')
        if not all(map(_LENGTH.fullmatch, lengths)):
            raise BadHead('Content-Length is no number')
        if len(set(lengths)) > 1:
            raise BadHead('it has several Content-Lengths')

    def check_host(self) -> None:
        """Make sure that the request is for one host.

        Raises
        ------
        BadHead
            A proxy in front could have chosen another one (RFC 9112, 3.2).
        """
        if len(self.all('host')) > 1:
            raise BadHead('it has several Hosts')

    def all(self, name: str) -> list[str]:
        """Each value of a header, whose name is in small letters."""
        if name not in self._values:
            return []
        return [value for key, value in self.pairs() if key.lower() == name]


def check_request_line(line: str) -> None:
    """Make sure that everybody finds the same method, target and version.

    Parameters
    ----------
    line
        In Latin-1, with its end.

    Raises
    ------
    BadHead
    """
    if not _REQUEST_LINE.fullmatch(line):
        raise BadHead('the request line is no method, target and HTTP/1.1 with single spaces '
                      'between them')


def read_block(stream: Any, most_bytes: int, most_lines: int,
               hold: Callable[[int], None]) -> bytes:
    """Bytes up to the empty line that ends a head, or up to where it breaks a limit.

    Parameters
    ----------
    hold
        Called with the number of bytes of each piece that was read.

    Raises
    ------
    EOFError
        The stream ended before.
    """
    pieces: list[bytes] = []
    left, lines, is_begin = most_bytes, 0, True
    # One more ends it, and one is too many.
    while lines <= most_lines + 1 and left >= 0:
        piece = stream.readline(min(left + 1, _PIECE_BYTES))
        if not piece:
            raise EOFError
        hold(len(piece))
        pieces.append(piece)
        left -= len(piece)
        if is_begin and piece in (b'\r\n', b'\n'):
            break
        is_begin = piece.endswith(b'\n')
        lines += is_begin
    return b''.join(pieces)


def plain_headers(block: bytes, most_bytes: int = HEAD_BYTES,
                  most_lines: int = HEADER_LINES) -> PlainHeaders:
    """The head's lines; bytes beyond ASCII are Latin-1.

    Raises
    ------
    LargeHead
        They are too many, or too long.
    BadHead
        They are no header lines.
    """
    if block.count(b'\n') > most_lines + 1:
        raise LargeHead(f'it has more than {most_lines} header lines (--max-headers)')
    if len(block) > most_bytes:
        raise LargeHead(f'it is larger than {most_bytes} bytes (--max-header-size)')
    if not _LINES.fullmatch(block):
        raise BadHead('a header line is broken')
    return PlainHeaders(block.decode('latin-1'))
