"""The inputs of a prediction, taken out of a request's form as raw bytes.

What the bytes hold is for :mod:`mms.worker.codecs.inputs` to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Optional

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.config.defaults import DEFAULT_MAX_FORM_FIELDS
from mms.errors import BadRequest
from mms.ipc.request import Request
from mms.worker.codecs.form_fault import missing_input
from mms.worker.codecs.form_parser import Form, Part, parse_form, parts_named

FROM_PART = 'part'
FROM_FIELD = 'field'
FROM_TEXT = 'text'

# Of a part that may be a picture, beside image/*: clients that do not know the type of a file
# send the second, or none.
_ANY_BYTES = ('', 'application/octet-stream')
# Enough to recognise a type by.
_SHOWN_CHARACTERS = 100


class RawInput(NamedTuple):
    """One input of a request, as the client sent it.

    Attributes
    ----------
    name
        The `data_name` of the signature.
    origin
        ``part``: the bytes of a file part, or of a whole body; ``field``: a form field's text,
        UTF-8; ``text``: a text of JSON.
    data
        The bytes.
    media_type
        What the client says that a picture is; empty where it says nothing.
    """

    name: str
    origin: str
    data: bytes
    media_type: str = IMAGE_TYPE


def read_form(request: Request, signature: Mapping[str, Any],
              max_fields: int = DEFAULT_MAX_FORM_FIELDS) -> list[RawInput]:
    """Raw inputs of a request, one per input of the signature, in its order.

    The first of several fields of one name counts; fields that the signature
    does not name are ignored. A form has `max_fields` fields and files at most.

    Raises
    ------
    BadRequest
        A field is missing, the body is no form or has no good boundary, or a part has a type that
        no picture has.
    PayloadTooLarge
        The form has too many fields, or too much before its parts.
    """
    form = parse_form(request.content_type, request.body, max_fields)
    found = []
    for spec, kind in zip(signature['inputs'], input_types(signature)):
        name = spec['data_name']
        item = _picture(form, name) if kind == IMAGE_TYPE else _list(form, name)
        if item is None:
            raise missing_input(name, request, form)
        found.append(item)
    return found


def every_picture(request: Request, name: str,
                  max_fields: int = DEFAULT_MAX_FORM_FIELDS) -> list[RawInput]:
    """Each part of a name in a multipart form, in order; none of what is no such form.

    Raises
    ------
    BadRequest
        One of them has a type that no picture has, or the boundary is no good one.
    PayloadTooLarge
        The form has too many fields, or too much before its parts.
    """
    parts = parts_named(request.content_type, request.body, name, max_fields)
    return [_picture_part(name, part) for part in parts if _is_sent(part)]


def _picture(form: Form, name: str) -> Optional[RawInput]:
    part = _sent_part(form, name)
    if part is None:
        return _field(form, name) if form.fields.get(name) else None
    return _picture_part(name, part)


def _picture_part(name: str, part: Part) -> RawInput:
    kind = part.content_type.partition(';')[0].strip().lower()
    if kind not in _ANY_BYTES and not kind.startswith('image/'):
        raise BadRequest(f'Input data for request argument: {name} is not correct. '
                         f'{IMAGE_TYPE} is expected but {_shown(part.content_type)} is given.')
    is_base64 = part.transfer_encoding.strip().lower() == 'base64'
    return RawInput(name, FROM_FIELD if is_base64 else FROM_PART, part.data,
                    _shown(part.content_type))


def _list(form: Form, name: str) -> Optional[RawInput]:
    part = None if name in form.fields else _sent_part(form, name)
    return _field(form, name) if part is None else RawInput(name, FROM_PART, part.data)


def _field(form: Form, name: str) -> Optional[RawInput]:
    text = form.fields.get(name)
    return None if text is None else RawInput(name, FROM_FIELD, text)


def _sent_part(form: Form, name: str) -> Optional[Part]:
    """The part of this name; None for the empty one of a page's file field that was left alone."""
    part = form.parts.get(name)
    return part if part and _is_sent(part) else None


def _is_sent(part: Part) -> bool:
    return part.has_filename or bool(part.data)


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f'{text[:_SHOWN_CHARACTERS]}...'
