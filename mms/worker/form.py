"""The inputs of a prediction, taken out of a request's form as raw bytes.

Werkzeug parses the form; what the bytes hold is for :mod:`mms.worker.inputs` to judge.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO, Any, NamedTuple, Optional, cast

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from mms.archive.signature import IMAGE_TYPE
from mms.errors import BadRequest, PayloadTooLarge
from mms.messages import Body, Request

FROM_PART = 'part'
FROM_FIELD = 'field'

_URLENCODED = 'application/x-www-form-urlencoded'
# Werkzeug takes about a second for ten times as many.
MAX_FIELDS = 10_000


class RawInput(NamedTuple):
    """One input of a request, as the client sent it.

    Attributes
    ----------
    name
        The `data_name` of the signature.
    origin
        ``part``: the bytes of a file part; ``field``: a form field's text, UTF-8.
    data
        The bytes.
    """

    name: str
    origin: str
    data: bytes


class _Form(NamedTuple):
    fields: MultiDict[str, str]
    parts: MultiDict[str, FileStorage]


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


def read_form(request: Request, signature: Mapping[str, Any]) -> list[RawInput]:
    """Raw inputs of a request, one per input of the signature, in its order.

    The first of several fields of one name counts; fields that the signature
    does not name are ignored.

    Raises
    ------
    BadRequest
        A field is missing, or a part has another type than ``image/jpeg``.
    PayloadTooLarge
        The form has too many fields.
    """
    form = _parse(request)
    names = [spec['data_name'] for spec in signature['inputs']]
    if signature['input_type'] == IMAGE_TYPE:
        return [_picture(form, name) for name in names]
    return [_field(form, name) for name in names]


def _parse(request: Request) -> _Form:
    """Fields and file parts; what is no form, or a broken one, has none."""
    kind, options = parse_options_header(request.content_type)
    kind = kind.lower()
    if kind == _URLENCODED and request.body.count(b'&') >= MAX_FIELDS:
        raise _too_many_fields()
    parser = FormDataParser(stream_factory=_in_memory, max_form_parts=MAX_FIELDS)
    body = cast('IO[bytes]', _Uncopied(request.body))
    try:
        _, fields, parts = parser.parse(body, kind, len(request.body), options)
    except RequestEntityTooLarge:
        raise _too_many_fields() from None
    return _Form(fields, parts)


def _in_memory(*_: Any, **__: Any) -> IO[bytes]:
    """A part's bytes are no file: a body's size has a limit of its own."""
    return io.BytesIO()


def _picture(form: _Form, name: str) -> RawInput:
    part: Optional[FileStorage] = form.parts.get(name)
    if part is None or not part.filename:
        return _field(form, name, empty_is_missing=True)
    if part.content_type != IMAGE_TYPE:
        raise BadRequest(f'Input data for request argument: {name} is not correct. '
                         f'{IMAGE_TYPE} is expected but {part.content_type} is given.')
    is_base64 = part.headers.get('Content-Transfer-Encoding', '').strip().lower() == 'base64'
    return RawInput(name, FROM_FIELD if is_base64 else FROM_PART, part.stream.read())


def _field(form: _Form, name: str, empty_is_missing: bool = False) -> RawInput:
    text = form.fields.get(name)
    if text is None or (empty_is_missing and not text):
        raise BadRequest(
            f'This end point is expecting a data_name of {name}. End point details can be '
            'found here:http://<host>:<port>/api-description')
    return RawInput(name, FROM_FIELD, text.encode('utf-8', 'surrogatepass'))


def _too_many_fields() -> PayloadTooLarge:
    return PayloadTooLarge(f'The form has more than {MAX_FIELDS} fields.')
