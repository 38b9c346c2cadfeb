"""The head of a request: its lines, and what they say about where the body ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Optional, overload

from mms.frontend.http.limits import HEAD_BYTES, HEADER_LINES

_PIECE_BYTES = 8192
# What buffered streams hold: a head that is longer has not come at one go.
LONGEST_LINE = 8192
# RFC 9112, 3: single spaces. Beyond ASCII there are bytes that are blanks to Python alone, and
# HTTP/0.9 knows no heads, so that others take what follows for another request.
_REQUEST_LINE = (rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+ [\x21-\x7e\x80-\x84\x86-\x9f\xa1-\xff]+ "
                 rb'HTTP/1\.[0-9]\r?\n')
# Section 5: nothing between a name and its colon, no line that goes on in the next one, no
# control characters. A bare LF may end a line (2.2).
_LINES = rb"(?:[A-Za-z0-9!#$%&'*+.^_`|~-]+:[\t\x20-\x7e\x80-\xff]*\r?\n)*\r?\n"
_is_request_line = re.compile(_REQUEST_LINE).fullmatch
_are_lines = re.compile(_LINES).fullmatch
_begins_with_head = re.compile(rb'(%s)(%s)' % (_REQUEST_LINE, _LINES)).match
# A length that 64 bits hold, and no sign, space or underscore, which int() would take.
_LENGTH = re.compile(r'[0-9]{1,18}', re.ASCII)
# With what ends a line before the LF.
_SPACE = ' \t\r'


class BadHead(ValueError):
    """Two readers could understand the head of a request differently."""


class LargeHead(BadHead):
    """It is larger than anybody needs."""


class PlainHeaders:
    """Header lines without any surprise.

    Parameters
    ----------
    block
        The lines, with the empty one behind them; see :func:`check_lines`.

    Attributes
    ----------
    pairs
        Name and value of each, in turn.
    """

    __slots__ = ('__weakref__', '_values', 'pairs')

    def __init__(self, block: str) -> None:
        self.pairs: list[tuple[str, str]] = []
        self._values: dict[str, str] = {}
        # Not splitlines(): in Latin-1, the byte 0x85 is the end of a line too.
        for line in block.split('\n')[:-2]:
            name, _, value = line.partition(':')
            value = value.strip(_SPACE)
            self.pairs.append((name, value))
            self._values.setdefault(name.lower(), value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    @overload
    def get(self, name: str) -> Optional[str]: ...

    @overload
    def get(self, name: str, default: str) -> str: ...

    def get(self, name: str, default: Optional[str] = None) -> Optional[str]:
        """First value of a header, whose name is in small letters."""
        return self._values.get(name, default)

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
        return [value for key, value in self.pairs if key.lower() == name]


def check_request_line(line: bytes) -> None:
    """Make sure that everybody finds the same method, target and version.

    Parameters
    ----------
    line
        With its end.

    Raises
    ------
    BadHead
    """
    if not _is_request_line(line):
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


def find_head(come: bytes) -> Optional[tuple[bytes, bytes]]:
    """First line and header lines of a head that has come whole, and in which everything is as it
    has to be; None for any other.

    Parameters
    ----------
    come
        What has come, the head and whatever is behind it.
    """
    found = _begins_with_head(come)
    return (found[1], found[2]) if found else None


def check_size(block: bytes, most_bytes: int, most_lines: int) -> None:
    """Make sure that a head is no larger than anybody needs.

    Raises
    ------
    LargeHead
        Its lines are too many, or too long.
    """
    if block.count(b'\n') > most_lines + 1:
        raise LargeHead(f'it has more than {most_lines} header lines (--max-headers)')
    if len(block) > most_bytes:
        raise LargeHead(f'it is larger than {most_bytes} bytes (--max-header-size)')


def check_lines(block: bytes) -> None:
    """Make sure that they are header lines, and an empty one.

    Raises
    ------
    BadHead
    """
    if not _are_lines(block):
        raise BadHead('a header line is broken')


def plain_headers(block: bytes, most_bytes: int = HEAD_BYTES,
                  most_lines: int = HEADER_LINES) -> PlainHeaders:
    """The head's lines; bytes beyond ASCII are Latin-1.

    Raises
    ------
    LargeHead, BadHead
    """
    check_size(block, most_bytes, most_lines)
    check_lines(block)
    return PlainHeaders(block.decode('latin-1'))
