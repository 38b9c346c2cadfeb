"""A body that is a picture and nothing else, for a model that takes one picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mms.archive.signature import IMAGE_TYPE, input_types
from mms.errors import BadRequest
from mms.ipc.request import Request
from mms.worker.codecs.form import FROM_PART, RawInput
from mms.worker.codecs.form_fault import DETAILS


def raw_picture(request: Request, kind: str, signature: Mapping[str, Any]) -> RawInput:
    """The picture that is the body.

    Raises
    ------
    BadRequest
        The model takes something else than one picture.
    """
    inputs, types = signature['inputs'], input_types(signature)
    if types != [IMAGE_TYPE]:
        names = ', '.join(entry['data_name'] for entry in inputs)
        raise BadRequest(f'The body is {kind or "a picture"}, which is for models of one picture; '
                         f'this one takes {names}: send a form with these fields, or an object of '
                         f'application/json with these keys. {DETAILS}')
    return RawInput(inputs[0]['data_name'], FROM_PART, bytes(request.body), kind)
