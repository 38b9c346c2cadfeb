"""The inputs of a prediction, taken out of a request's form as raw bytes.

What the bytes hold is the worker's to judge: nothing is parsed here but the form.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO, Any, Optional

import flask
from werkzeug.datastructures import FileStorage

from mms.errors import BadRequest
from mms.wire import FROM_FIELD, FROM_PART, RawInput

_PICTURE = 'image/jpeg'


class FormRequest(flask.Request):
    """A request whose uploads stay in memory: their size has a limit of its own."""

    def _get_file_stream(
        self, total_content_length: Optional[int], content_type: Optional[str],
        filename: Optional[str] = None, content_length: Optional[int] = None,
    ) -> IO[bytes]:
        return io.BytesIO()


def read_form(request: flask.Request, signature: Mapping[str, Any]) -> list[RawInput]:
    """Raw inputs of a request, one per input of the signature, in its order.

    The first of several fields of one name counts; fields that the signature
    does not name are ignored.

    Raises
    ------
    BadRequest
        A field is missing, or a part has another type than ``image/jpeg``.
    """
    names = [spec['data_name'] for spec in signature['inputs']]
    if signature['input_type'] == _PICTURE:
        return [_picture(request, name) for name in names]
    return [_field(request, name) for name in names]


def _picture(request: flask.Request, name: str) -> RawInput:
    part: Optional[FileStorage] = request.files.get(name)
    if part is None or not part.filename:
        return _field(request, name, empty_is_missing=True)
    if part.content_type != _PICTURE:
        raise BadRequest(f'Input data for request argument: {name} is not correct. '
                         f'{_PICTURE} is expected but {part.content_type} is given.')
    return RawInput(name, FROM_PART, part.stream.read())


def _field(request: flask.Request, name: str, empty_is_missing: bool = False) -> RawInput:
    text = request.form.get(name)
    if text is None or (empty_is_missing and not text):
        raise BadRequest(
            f'This end point is expecting a data_name of {name}. End point details can be '
            'found here:http://<host>:<port>/api-description')
    return RawInput(name, FROM_FIELD, text.encode('utf-8', 'surrogatepass'))
