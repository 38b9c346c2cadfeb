"""A body of ``application/json``: an object with a key for each input of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.errors import BadRequest
from mms.ipc.request import Body
from mms.worker.codecs.form import FROM_TEXT, RawInput
from mms.worker.codecs.form_fault import DETAILS
from mms.worker.codecs.incorrect import incorrect
from mms.worker.codecs.inputs import checked_list
from mms.worker.codecs.list_text import Unreadable, json_value_of
from mms.worker.codecs.picture import read_picture

# What a client may call the input of a model that has one, whatever its name.
ANY_NAME = 'data'
_KINDS: Mapping[type, str] = {dict: 'an object', list: 'a list', str: 'a text'}


def read_json_body(body: Body, signature: Mapping[str, Any], max_image_pixels: int) -> list[Any]:
    """What a service's `_preprocess` takes.

    Parameters
    ----------
    max_image_pixels
        Largest width times height of a picture, in pixels.

    Raises
    ------
    BadRequest
        It is no such object, or an input is not what its type says.
    """
    given = json_object(body, signature)
    return [_input(name, kind, _value(given, name, signature), max_image_pixels)
            for name, kind in _named_types(signature)]


def json_object(body: Body, signature: Mapping[str, Any]) -> dict[str, Any]:
    """What the body holds.

    Raises
    ------
    BadRequest
        It is no object.
    """
    try:
        value = json_value_of(bytes(body))
    except Unreadable as error:
        raise BadRequest(f'The body cannot be read as application/json: {error}') from None
    if not isinstance(value, dict):
        raise BadRequest(f'The body is {kind_of(value)}, and an object is expected: '
                         f'send {_example(signature)}.')
    return value


def _value(given: Mapping[str, Any], name: str, signature: Mapping[str, Any]) -> Any:
    if name in given:
        return given[name]
    if ANY_NAME in given and len(signature['inputs']) == 1:
        return given[ANY_NAME]
    raise BadRequest(f'This end point is expecting a data_name of {name}: send '
                     f'{_example(signature)}. {DETAILS}')


def _input(name: str, kind: str, value: Any, max_image_pixels: int) -> Any:
    if kind != IMAGE_TYPE:
        return checked_list(name, value)
    if isinstance(value, list):
        if len(value) != 1:
            raise incorrect(name, f'one picture is expected, and {len(value)} are given: with '
                                  'the header X-MMS-Batch: true the answer is a list.')
        [value] = value
    return read_picture(picture_text(name, value), max_image_pixels)


def picture_text(name: str, value: Any) -> RawInput:
    """A picture in base64.

    Raises
    ------
    BadRequest
        It is no text.
    """
    if not isinstance(value, str):
        raise incorrect(name, f'a picture in base64 is expected, and {kind_of(value)} is given.')
    # What base64 has not becomes what it has not either.
    return RawInput(name, FROM_TEXT, value.encode('ascii', 'replace'))


def _named_types(signature: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(entry['data_name'], kind)
            for entry, kind in zip(signature['inputs'], input_types(signature))]


def _example(signature: Mapping[str, Any]) -> str:
    """The body that is expected, as far as the signature tells."""
    return '{' + ', '.join(f'"{name}": ' + ('"BASE64"' if kind == IMAGE_TYPE else '[...]')
                           for name, kind in _named_types(signature)) + '}'


def kind_of(value: Any) -> str:
    """A value of JSON, in words."""
    if value is None:
        return 'null'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return _KINDS.get(type(value), 'a number')
