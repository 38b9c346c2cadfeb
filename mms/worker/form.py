"""The inputs of a prediction, taken out of a request's form as raw bytes.

What the bytes hold is for :mod:`mms.worker.inputs` to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.errors import BadRequest
from mms.messages import Request
from mms.worker.form_parser import Form, parse_form

FROM_PART = 'part'
FROM_FIELD = 'field'


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
    form = parse_form(request.content_type, request.body)
    return [(_picture if kind == IMAGE_TYPE else _field)(form, spec['data_name'])
            for spec, kind in zip(signature['inputs'], input_types(signature))]


def _picture(form: Form, name: str) -> RawInput:
    part = form.parts.get(name)
    if part is None or not part.has_filename:
        return _field(form, name, empty_is_missing=True)
    if part.content_type != IMAGE_TYPE:
        raise BadRequest(f'Input data for request argument: {name} is not correct. '
                         f'{IMAGE_TYPE} is expected but {part.content_type} is given.')
    is_base64 = part.transfer_encoding.strip().lower() == 'base64'
    return RawInput(name, FROM_FIELD if is_base64 else FROM_PART, part.data)


def _field(form: Form, name: str, empty_is_missing: bool = False) -> RawInput:
    text = form.fields.get(name)
    if text is None or (empty_is_missing and not text):
        raise BadRequest(
            f'This end point is expecting a data_name of {name}. End point details can be '
            'found here:http://<host>:<port>/api-description')
    return RawInput(name, FROM_FIELD, text.encode('utf-8', 'surrogatepass'))
