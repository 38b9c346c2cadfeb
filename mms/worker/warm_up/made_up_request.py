"""A request that a client could have sent, made from the inputs of a sample."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import requests

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.ipc.messages import CLASSIC, Request

_ANY_URL = 'http://localhost/'


def made_up_request(signature: Mapping[str, Any], sample: Sequence[Any]) -> Request:
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
    return Request(CLASSIC, prepared.headers.get('Content-Type', ''),
                   body if isinstance(body, bytes) else body.encode())
