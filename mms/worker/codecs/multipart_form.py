"""The parts of a multipart form, found in one pass over the body.

What counts as a boundary, a line end or a header is what Werkzeug takes for one, as MMS 0.4 did:
lone line feeds, folded headers, blanks behind a boundary and all. Heads have limits, and nothing is
looked at twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Optional

from werkzeug.http import parse_options_header

from mms.errors import BadRequest, PayloadTooLarge
from mms.ipc.request import Body

MAX_HEAD_BYTES = 16 * 1024
# Of all heads: ten thousand of a hundred bytes.
MAX_HEADS_BYTES = 1024**2
# RFC 2046 has 70; Python 3.9 takes longer to look for a longer one in bytes made for that.
MAX_BOUNDARY = 200
# The boundary within parts, by chance or by malice.
_MOST_STRAYS = 10_000

_BEHIND_BOUNDARY = re.compile(rb'(--)[ \t\f\v]*(?:\r\n|\n|\r)?|[ \t\f\v]*(?:\r\n|\n|\r)')
_BLANK_LINE = re.compile(rb'\r\n\r\n|\r\r|\n\n')
_LINE_BREAK = re.compile(rb'\r\n|\n|\r')
_FOLD = re.compile(rb'(?:\r\n|\n|\r)[ \t]')
# As today's clients write it.
_PLAIN_DISPOSITION = re.compile(
    r'form-data; ?name="([^"\\%]*)"(?:; ?filename="([^"\\%]*)")?')


class Segment(NamedTuple):
    """One part as it was sent.

    Attributes
    ----------
    name, filename
        None where its head does not say.
    headers
        Name in small letters -> the first value.
    data
        Its bytes, in the body.
    """

    name: Optional[str]
    filename: Optional[str]
    headers: Mapping[str, str]
    data: memoryview


def segments_of(boundary: bytes, body: Body) -> Iterator[Segment]:
    """The parts, in order.

    Raises
    ------
    ValueError
        It is no whole form.
    BadRequest
        The boundary is within parts again and again.
    PayloadTooLarge
        The head of a part, or all heads together, are larger than their limit.
    """
    search = _Search(b'--' + boundary, body)
    place = search.first()
    view = memoryview(body)
    heads_bytes = 0
    while place is not None:
        blank = _BLANK_LINE.search(body, place, place + MAX_HEAD_BYTES)
        if blank is None:
            if len(body) - place > MAX_HEAD_BYTES:
                raise PayloadTooLarge(f'The head of a part of the form is larger than '
                                      f'{MAX_HEAD_BYTES} bytes.')
            raise ValueError('no end of a head')
        heads_bytes += blank.start() - place
        if heads_bytes > MAX_HEADS_BYTES:
            raise PayloadTooLarge('The heads of the parts of the form are larger than '
                                  f'{MAX_HEADS_BYTES} bytes together.')
        headers = _headers(bytes(view[place:blank.start()]))
        start = (blank.start() + blank.end()) // 2
        end, place = search.next(start)
        line_break = _LINE_BREAK.match(body, start)
        assert line_break is not None
        yield _segment(headers, view[line_break.end():max(line_break.end(), end)])


def _segment(headers: Mapping[str, str], data: memoryview) -> Segment:
    disposition = headers.get('content-disposition')
    if disposition is None:
        raise ValueError('no Content-Disposition')
    plain = _PLAIN_DISPOSITION.fullmatch(disposition)
    if plain:
        return Segment(plain[1], plain[2], headers, data)
    options = parse_options_header(disposition)[1]
    return Segment(options.get('name'), options.get('filename'), headers, data)


def _headers(head: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in _FOLD.sub(b' ', head).splitlines():
        line = line.strip(b' \t')
        if line:
            name, _, value = line.decode().partition(':')
            headers.setdefault(name.strip(' \t').lower(), value.strip(' \t'))
    return headers


class _Search:
    """Boundaries in a body, from the first to the last."""

    def __init__(self, marker: bytes, body: Body) -> None:
        self._marker = marker
        self._body = body
        self._strays = _MOST_STRAYS

    def first(self) -> Optional[int]:
        """Where the first head begins; None where there is no part."""
        return self._find(0, is_line=False)[1]

    def next(self, start: int) -> tuple[int, Optional[int]]:
        """Where the data that begins here ends, and where the next head begins."""
        return self._find(start, is_line=True)

    def _find(self, start: int, is_line: bool) -> tuple[int, Optional[int]]:
        body, marker = self._body, self._marker
        place = body.find(marker, start)
        while place >= 0:
            line = self._line_before(start, place) if is_line else place
            behind = _BEHIND_BOUNDARY.match(body, place + len(marker)) if line >= 0 else None
            if behind:
                return line, None if behind[1] else behind.end()
            self._strays -= 1
            if self._strays < 0:
                raise BadRequest('The boundary of the form is in the data of its parts more than '
                                 f'{_MOST_STRAYS} times: let the HTTP library choose it.')
            place = body.find(marker, place + 1)
        raise ValueError('no last boundary')

    def _line_before(self, start: int, place: int) -> int:
        """Where the line break before a boundary begins; -1 where there is none."""
        before = bytes(self._body[max(start, place - 2):place])
        if before == b'\r\n':
            return place - 2
        return place - 1 if before[-1:] in (b'\r', b'\n') else -1
