"""The fields and file parts of a form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import NamedTuple

from werkzeug.http import parse_options_header

from mms.config.defaults import DEFAULT_MAX_FORM_FIELDS
from mms.errors import BadRequest, PayloadTooLarge
from mms.ipc.request import Body
from mms.worker.codecs.multipart_form import MAX_BOUNDARY, Segment, segments_of
from mms.worker.codecs.percent import unescaped
from mms.worker.codecs.picture_start import starts_as_picture
from mms.worker.codecs.utf8_text import is_utf8

MULTIPART = 'multipart/form-data'
URLENCODED = 'application/x-www-form-urlencoded'
# A longer one, in a urlencoded form, is none that a signature names.
_MAX_NAME_BYTES = 16 * 1024
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
    """The first field, in UTF-8, and the first part, of each name.

    A field whose bytes are no text, or begin as a picture does, is a part without a filename too:
    .NET sends files so.
    """

    fields: MutableMapping[str, bytes]
    parts: MutableMapping[str, Part]


def parse_form(content_type: str, body: Body,
               max_fields: int = DEFAULT_MAX_FORM_FIELDS) -> Form:
    """Take a form apart; what is no form, or a broken one, has no fields.

    Parameters
    ----------
    content_type
        The request's header of this name.
    max_fields
        Most fields and files that it may have.

    Raises
    ------
    BadRequest
        Its boundary is no good one.
    PayloadTooLarge
        It has more than `max_fields` fields, or the heads of its parts are too large.
    """
    kind, options = parse_options_header(content_type)
    kind = kind.lower()
    try:
        if kind == MULTIPART:
            return _multipart(options, body, max_fields)
        if kind == URLENCODED:
            return _urlencoded(body, max_fields)
    except ValueError:
        pass
    return Form({}, {})


def parts_named(content_type: str, body: Body, name: str, max_fields: int) -> list[Part]:
    """Every part of a name in a multipart form, in order; none of what is no such form.

    A field of text is a part too, in base64.

    Raises
    ------
    BadRequest, PayloadTooLarge
        As :func:`parse_form` does.
    """
    kind, options = parse_options_header(content_type)
    if kind.lower() != MULTIPART:
        return []
    try:
        return [_part(segment) for segment in _segments(options, body, max_fields)
                if segment.name == name]
    except ValueError:
        return []


def _part(segment: Segment) -> Part:
    data = bytes(segment.data)
    content_type = segment.headers.get('content-type', '')
    if segment.filename is None:
        text, is_text = _text(content_type, data)
        if is_text:
            return Part(False, '', 'base64', text)
    return Part(bool(segment.filename), content_type,
                segment.headers.get('content-transfer-encoding', ''), data)


def _multipart(options: Mapping[str, str], body: Body, max_fields: int) -> Form:
    form = Form({}, {})
    for segment in _segments(options, body, max_fields):
        if segment.name is not None:
            _add(form, segment.name, segment)
    return form


def _segments(options: Mapping[str, str], body: Body, max_fields: int) -> Iterator[Segment]:
    boundary = options.get('boundary', '').encode('ascii')
    if not boundary:
        raise ValueError('no boundary')
    if len(boundary) > MAX_BOUNDARY:
        raise BadRequest(f'The boundary of the form is longer than {MAX_BOUNDARY} characters: let '
                         'the HTTP library choose it.')
    for number, segment in enumerate(segments_of(boundary, body)):
        if number == max_fields:
            raise _too_many_fields(max_fields)
        yield segment


def _add(form: Form, name: str, segment: Segment) -> None:
    is_file = segment.filename is not None
    if name in (form.parts if is_file else form.fields):
        return
    data = bytes(segment.data)
    content_type = segment.headers.get('content-type', '')
    if not is_file:
        form.fields[name], is_text = _text(content_type, data)
        is_file = not is_text and name not in form.parts
    if is_file:
        form.parts[name] = Part(bool(segment.filename), content_type,
                                segment.headers.get('content-transfer-encoding', ''), data)


def _text(content_type: str, data: bytes) -> tuple[bytes, bool]:
    """A field's text, and whether it is one."""
    named = parse_options_header(content_type)[1].get('charset', '').lower() if content_type else ''
    charset = named if named in _CHARSETS else 'utf-8'
    if data.isascii() or (charset == 'utf-8' and is_utf8(data)):
        return data, not starts_as_picture(data)
    if charset == 'iso-8859-1':
        return data.decode(charset).encode(), not starts_as_picture(data)
    return data.decode(charset, 'replace').encode(), False


def _urlencoded(body: Body, max_fields: int) -> Form:
    if body.count(b'&') >= max_fields:
        raise _too_many_fields(max_fields)
    if not is_utf8(body):
        raise ValueError('it has bytes that are no text')
    form = Form({}, {})
    view = memoryview(body)
    start = 0
    while start < len(body):
        end = body.find(b'&', start)
        end = end if end >= 0 else len(body)
        middle = body.find(b'=', start, end)
        middle = middle if middle >= 0 else end
        if start < end and middle - start <= _MAX_NAME_BYTES:
            name = unescaped(bytes(view[start:middle])).decode()
            if name not in form.fields:
                form.fields[name] = unescaped(bytes(view[middle + 1:end]))
        start = end + 1
    return form


def _too_many_fields(most: int) -> PayloadTooLarge:
    return PayloadTooLarge(f'The form has more than {most} fields (--max-form-fields).')
