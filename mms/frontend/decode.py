"""The inputs of a prediction, taken out of a request's form as raw bytes.

What the bytes hold is the worker's to judge: nothing is parsed here but the form.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO, Any, Callable, Optional, cast

import flask
from werkzeug.datastructures import FileStorage
from werkzeug.utils import cached_property
from werkzeug.wsgi import LimitedStream

from mms.archive.signature import IMAGE_TYPE
from mms.errors import BadRequest, PayloadTooLarge
from mms.wire import FROM_FIELD, FROM_PART, RawInput

_URLENCODED = 'application/x-www-form-urlencoded'
# Werkzeug takes about a second for ten times as many.
MAX_FIELDS = 10_000
# Parsing less takes about as long as handing it to a thread.
_SMALL_BYTES = 256 * 1024

Aside = Callable[[Callable[[], list[RawInput]]], list[RawInput]]


class _ChunkedBody(LimitedStream):
    """A body of unknown length. Werkzeug's own stream cuts what is too long short in silence
    when it is read at one go, as a urlencoded form is.
    """

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        super().__init__(stream, limit + 1, is_max=True)
        self._most = limit

    def readall(self) -> bytes:
        body = super().readall()
        if self.is_exhausted:
            self.on_exhausted()
        return body

    def on_exhausted(self) -> None:
        raise too_large(self._most)


class FormRequest(flask.Request):
    """A request whose uploads stay in memory: their size has a limit of its own."""

    max_form_memory_size = None
    max_form_parts = MAX_FIELDS

    @cached_property
    def stream(self) -> IO[bytes]:  # noqa: D102
        limit, is_chunked = self.max_content_length, self.content_length is None
        if limit is None or not (is_chunked and self.environ.get('wsgi.input_terminated')):
            return super().stream
        return cast('IO[bytes]', _ChunkedBody(self.environ['wsgi.input'], limit))

    def _get_file_stream(
        self, total_content_length: Optional[int], content_type: Optional[str],
        filename: Optional[str] = None, content_length: Optional[int] = None,
    ) -> IO[bytes]:
        return io.BytesIO()


def read_form(
    request: flask.Request, signature: Mapping[str, Any], aside: Aside,
) -> list[RawInput]:
    """Raw inputs of a request, one per input of the signature, in its order.

    The first of several fields of one name counts; fields that the signature
    does not name are ignored.

    Parameters
    ----------
    request
        Not the proxy: it goes to another thread.
    aside
        Runs what takes long where it holds up nobody, and returns its result.

    Raises
    ------
    BadRequest
        A field is missing, or a part has another type than ``image/jpeg``.
    PayloadTooLarge
        The form has too many fields.
    """
    body = request.get_data()
    if request.mimetype == _URLENCODED and body.count(b'&') >= MAX_FIELDS:
        raise too_many_fields()
    if len(body) < _SMALL_BYTES:
        return _inputs(request, signature)
    return aside(lambda: _inputs(request, signature))


def too_large(limit: int) -> PayloadTooLarge:
    """The error for a body of more bytes than `limit`."""
    return PayloadTooLarge(
        f'The request is larger than the limit of {limit} bytes (--max-request-size).')


def too_many_fields() -> PayloadTooLarge:
    """The error for a form of more than `MAX_FIELDS` fields."""
    return PayloadTooLarge(f'The form has more than {MAX_FIELDS} fields.')


def _inputs(request: flask.Request, signature: Mapping[str, Any]) -> list[RawInput]:
    names = [spec['data_name'] for spec in signature['inputs']]
    if signature['input_type'] == IMAGE_TYPE:
        return [_picture(request, name) for name in names]
    return [_field(request, name) for name in names]


def _picture(request: flask.Request, name: str) -> RawInput:
    part: Optional[FileStorage] = request.files.get(name)
    if part is None or not part.filename:
        return _field(request, name, empty_is_missing=True)
    if part.content_type != IMAGE_TYPE:
        raise BadRequest(f'Input data for request argument: {name} is not correct. '
                         f'{IMAGE_TYPE} is expected but {part.content_type} is given.')
    is_base64 = part.headers.get('Content-Transfer-Encoding', '').strip().lower() == 'base64'
    return RawInput(name, FROM_FIELD if is_base64 else FROM_PART, part.stream.read())


def _field(request: flask.Request, name: str, empty_is_missing: bool = False) -> RawInput:
    text = request.form.get(name)
    if text is None or (empty_is_missing and not text):
        raise BadRequest(
            f'This end point is expecting a data_name of {name}. End point details can be '
            'found here:http://<host>:<port>/api-description')
    return RawInput(name, FROM_FIELD, text.encode('utf-8', 'surrogatepass'))
