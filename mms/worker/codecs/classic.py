"""The protocol of MMS 0.4, inputs in a form, answered by ``{"prediction":...}``; and plain bodies:
a picture as it is, or JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mms.ipc.messages import Body, Request
from mms.worker.codecs.body_kind import BodyKind, body_kind
from mms.worker.codecs.codec import Decoded, Endpoint, Payload
from mms.worker.codecs.form import read_form
from mms.worker.codecs.inputs import read_inputs
from mms.worker.codecs.json_answer import to_json
from mms.worker.codecs.json_body import read_json_body
from mms.worker.codecs.raw_body import raw_picture

_HEAD, _TAIL = b'{"prediction":', b'}\n'


class Classic:
    """The codec of a service whose inputs come in a form, or in a plain body.

    The signature is looked up each time, since a service may change it.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._service = endpoint.service
        self._max_image_pixels = endpoint.max_image_pixels
        self._max_form_fields = endpoint.max_form_fields

    def decode(self, request: Request) -> Decoded:
        """Read the inputs that the signature names."""
        signature = self._service.signature
        return Decoded(self._inputs(request, signature), encode_prediction)

    def _inputs(self, request: Request, signature: Mapping[str, Any]) -> list[Any]:
        media_type = request.content_type.partition(';')[0].strip().lower()
        kind = body_kind(media_type, request.body)
        if kind is BodyKind.JSON:
            return read_json_body(request.body, signature, self._max_image_pixels)
        if kind is BodyKind.PICTURE:
            raw = [raw_picture(request, media_type, signature)]
        else:
            raw = read_form(request, signature, self._max_form_fields)
        return read_inputs(raw, signature, self._max_image_pixels)


def encode_prediction(prediction: Any) -> Payload:
    """The answer that holds what `_postprocess` returned; see :func:`to_json`."""
    return Payload(b''.join((_HEAD, to_json(prediction), _TAIL)))


def prediction_in(content: Body) -> bytes:
    """JSON text of the prediction that an answer holds."""
    return bytes(content[len(_HEAD):-len(_TAIL)])
