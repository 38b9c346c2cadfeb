"""The fields and file parts of a form.

Two parsers, for two kinds of clients. `multipart` takes the forms of today's clients in a
twentieth of Werkzeug's time (which compiles expressions for each new boundary); what it refuses,
or might read otherwise, Werkzeug reads as MMS 0.4 did, lone line feeds and all.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, MutableMapping
from typing import IO, Any, NamedTuple, Optional, cast

from multipart import MultipartError, MultipartSegment, PushMultipartParser
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from mms.errors import PayloadTooLarge
from mms.messages import Body
from mms.worker.picture_start import starts_as_picture

# Werkzeug takes about a second for ten times as many.
MAX_FIELDS = 10_000

MULTIPART = 'multipart/form-data'
URLENCODED = 'application/x-www-form-urlencoded'
# Escapes in the name of a field, which the two parsers do not undo alike.
_ESCAPES = frozenset('%\\*')
# The charsets of a field that Werkzeug knows beside UTF-8.
_CHARSETS = frozenset({'ascii', 'us-ascii', 'iso-8859-1'})


class Part(NamedTuple):
    """A file in a form.

    Attributes
    ----------
    has_filename
        Its file has a name that is not empty.
    content_type
        Its ``Content-Type`` as it was sent; empty when there is none.
    transfer_encoding
        Its ``Content-Transfer-Encoding`` as it was sent.
    data
        Its bytes.
    """

    has_filename: bool
    content_type: str
    transfer_encoding: str
    data: bytes


class Form(NamedTuple):
    """The first field, and the first part, of each name.

    A field whose bytes are no text, or begin as a picture does, is a part without a filename too:
    .NET sends files so.
    """

    fields: MutableMapping[str, str]
    parts: MutableMapping[str, Part]


def parse_form(content_type: str, body: Body) -> Form:
    """Take a form apart; what is no form, or a broken one, has no fields.

    Parameters
    ----------
    content_type
        The request's header of this name.

    Raises
    ------
    PayloadTooLarge
        It has more than `MAX_FIELDS` fields.
    """
    kind, options = parse_options_header(content_type)
    kind = kind.lower()
    plain = _plain_parts(options.get('boundary', ''), body) if kind == MULTIPART else None
    return plain or _any_form(kind, options, body)


def _plain_parts(boundary: str, body: Body) -> Optional[Form]:
    """A form as today's clients send it; None for all others."""
    if not boundary.isascii():
        return None
    form = Form({}, {})
    segment, data = None, b''
    try:
        with PushMultipartParser(boundary, max_segment_count=MAX_FIELDS) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    segment, data = event, b''
                    if not _is_plain(segment):
                        return None
                elif event is not None:
                    data = event
                elif segment is not None:
                    _add(form, segment, bytes(data))
    except MultipartError:
        return None
    return form


def _is_plain(segment: MultipartSegment) -> bool:
    """Whether Werkzeug would read its head alike."""
    return (segment.name is not None
            and _ESCAPES.isdisjoint(segment.header('Content-Disposition')))


def _add(form: Form, segment: MultipartSegment, data: bytes) -> None:
    is_file = segment.filename is not None
    if not is_file:
        text, is_text = _text(segment, data)
        form.fields.setdefault(segment.name, text)
        is_file = not is_text
    if is_file:
        form.parts.setdefault(segment.name, Part(
            bool(segment.filename), segment.header('Content-Type', ''),
            segment.header('Content-Transfer-Encoding', ''), data))


def _text(segment: MultipartSegment, data: bytes) -> tuple[str, bool]:
    """A field's text, and whether it is one."""
    named = (segment.charset or '').lower()
    charset = named if named in _CHARSETS else 'utf-8'
    try:
        return data.decode(charset), not starts_as_picture(data)
    except UnicodeDecodeError:
        return data.decode(charset, 'replace'), False


def _any_form(kind: str, options: Mapping[str, str], body: Body) -> Form:
    if kind == URLENCODED and body.count(b'&') >= MAX_FIELDS:
        raise _too_many_fields()
    parser = FormDataParser(stream_factory=_in_memory, max_form_parts=MAX_FIELDS)
    stream = cast('IO[bytes]', _Uncopied(body))
    try:
        _, fields, files = parser.parse(stream, kind, len(body), dict(options))
    except RequestEntityTooLarge:
        raise _too_many_fields() from None
    return Form(fields.to_dict(), {
        name: Part(bool(file.filename), file.content_type or '',
                   file.headers.get('Content-Transfer-Encoding', ''), file.stream.read())
        for name, file in files.to_dict().items()})


class _Uncopied:
    """A body as a stream whose pieces are views of it."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._view = memoryview(body)
        self._start = 0

    def read(self, size: int = -1) -> Any:
        if size < 0:
            return self._body
        piece = self._view[self._start:self._start + size]
        self._start += len(piece)
        return piece


def _in_memory(*_: Any, **__: Any) -> IO[bytes]:
    """A part's bytes are no file: a body's size has a limit of its own."""
    return io.BytesIO()


def _too_many_fields() -> PayloadTooLarge:
    return PayloadTooLarge(f'The form has more than {MAX_FIELDS} fields.')
