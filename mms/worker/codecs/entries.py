"""A request of several entries, taken apart: each becomes a request that could have come alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.errors import BadRequest, PayloadTooLarge
from mms.ipc.request import CLASSIC_ENTRY, JSON, MOST_ENTRIES, Entries, Request
from mms.worker.codecs.body_kind import BodyKind
from mms.worker.codecs.form import FROM_PART, RawInput, every_picture, read_form
from mms.worker.codecs.form_fault import DETAILS
from mms.worker.codecs.json_body import ANY_NAME, json_object, kind_of, picture_text
from mms.worker.codecs.picture import picture_bytes
from mms.worker.codecs.raw_body import raw_picture

# Of a picture whose client has not said what it is.
_ANY_BYTES = 'application/octet-stream'


class Given(NamedTuple):
    """A request, with what its body was found to be."""

    request: Request
    media_type: str
    kind: BodyKind


def entries_of(given: Given, signature: Mapping[str, Any], max_form_fields: int) -> Entries:
    """The entries of a request.

    Raises
    ------
    BadRequest
        It has none, or one of them is none.
    PayloadTooLarge
        It has too many.
    """
    is_picture = input_types(signature) == [IMAGE_TYPE]
    if given.kind is BodyKind.JSON:
        return _of_json(given.request, signature, is_picture)
    if given.kind is BodyKind.PICTURE:
        return Entries(ANY_NAME, [_of_picture(raw_picture(given.request, given.media_type,
                                                          signature))])
    if not is_picture:
        raise BadRequest('A form has several entries only for a model of one picture, as several '
                         f'parts of one name: send an object of {JSON}, '
                         f'{{"{ANY_NAME}": [...]}}. {DETAILS}')
    name = signature['inputs'][0]['data_name']
    pictures = every_picture(given.request, name, max_form_fields) or read_form(
        given.request, signature, max_form_fields)
    check_count(len(pictures))
    return Entries(name, list(_each(name, (_of_picture(each) for each in pictures))))


def _of_json(request: Request, signature: Mapping[str, Any], is_picture: bool) -> Entries:
    names = [entry['data_name'] for entry in signature['inputs']]
    given = json_object(request.body, signature)
    name = names[0] if len(names) == 1 and names[0] in given else ANY_NAME
    entries = given.get(name)
    if not isinstance(entries, list):
        raise BadRequest(f'A list of entries is expected: send {{"{name}": [ENTRY, ENTRY]}}, where '
                         f'an entry is {_entry(names, is_picture)}. {DETAILS}')
    check_count(len(entries))
    if not entries:
        raise BadRequest(f'{name} has no entry: an empty list is given.')
    make = _json_entry if not is_picture else _picture_entry
    return Entries(name, list(_each(name, (make(entry, names) for entry in entries))))


def _entry(names: list[str], is_picture: bool) -> str:
    if is_picture:
        return 'a picture in base64'
    return f'a value of {names[0]}' if len(names) == 1 else _object_of(names)


def _object_of(names: list[str]) -> str:
    return f'an object with the keys {", ".join(names)}'


def _each(name: str, made: Iterator[Request]) -> Iterator[Request]:
    """Entries as they are made, with the number of one that cannot be in its error."""
    number = 0
    try:
        for request in made:
            yield request
            number += 1
    except BadRequest as error:
        raise BadRequest(f'{name}[{number}]: {error}') from None


def check_count(count: int) -> None:
    """See that there are not too many.

    Raises
    ------
    PayloadTooLarge
    """
    if count > MOST_ENTRIES:
        raise PayloadTooLarge(f'The request has {count} entries, and {MOST_ENTRIES} are the most: '
                              'send it in several.')


def _picture_entry(entry: Any, names: list[str]) -> Request:
    if isinstance(entry, dict):
        return _json_entry(entry, names)
    return _of_picture(picture_text(names[0], entry))


def _json_entry(entry: Any, names: list[str]) -> Request:
    if not isinstance(entry, dict):
        if len(names) != 1:
            raise BadRequest(f'{_object_of(names)} is expected, and {kind_of(entry)} is given.')
        entry = {names[0]: entry}
    # No longer than it came, but for numbers such as 1e15, which take four times as much, and what
    # is no UTF-8. Half a character alone becomes its escape again.
    text = json.dumps(entry, ensure_ascii=False, separators=(',', ':'))
    return Request(CLASSIC_ENTRY, JSON, text.encode('utf-8', 'backslashreplace'))


def _of_picture(item: RawInput) -> Request:
    kind = item.media_type or _ANY_BYTES if item.origin == FROM_PART else IMAGE_TYPE
    return Request(CLASSIC_ENTRY, kind, picture_bytes(item))
