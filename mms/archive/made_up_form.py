"""A form that a client could have sent, made from the inputs of a sample."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import requests

from mms.archive.signature import IMAGE_TYPE, input_types

_ANY_URL = 'http://localhost/'


class Form(NamedTuple):
    """What a client sends, and its media type."""

    content_type: str
    body: bytes


def made_up_form(signature: Mapping[str, Any], sample: Sequence[Any]) -> Form:
    """The form that `sample` would come in.

    Parameters
    ----------
    signature
        Names the inputs and says whether they are pictures.
    sample
        An entry for each input: JPEG bytes, or a list of numbers.
    """
    files, fields = {}, {}
    for entry, kind, value in zip(signature['inputs'], input_types(signature), sample):
        name = entry['data_name']
        if kind == IMAGE_TYPE:
            files[name] = (f'{name}.jpg', value, IMAGE_TYPE)
        else:
            fields[name] = json.dumps(value)
    prepared = requests.Request('POST', _ANY_URL, files=files, data=fields).prepare()
    body = prepared.body or b''
    return Form(prepared.headers.get('Content-Type', ''),
                body if isinstance(body, bytes) else body.encode())
