"""The protocol of MMS 0.4: inputs in a form, answered by ``{"prediction":...}``."""

from __future__ import annotations

from typing import Any

from mms.ipc.messages import Body, Request
from mms.worker.codecs.codec import Decoded, Endpoint, Payload
from mms.worker.codecs.form import read_form
from mms.worker.codecs.inputs import read_inputs
from mms.worker.codecs.json_answer import to_json

_HEAD, _TAIL = b'{"prediction":', b'}\n'


class Classic:
    """The codec of a service whose inputs come in a form.

    The signature is looked up each time, since a service may change it.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._service = endpoint.service
        self._max_image_pixels = endpoint.max_image_pixels
        self._max_form_fields = endpoint.max_form_fields

    def decode(self, request: Request) -> Decoded:
        """Read the inputs that the signature names."""
        signature = self._service.signature
        form = read_form(request, signature, self._max_form_fields)
        inputs = read_inputs(form, signature, self._max_image_pixels)
        return Decoded(inputs, encode_prediction)


def encode_prediction(prediction: Any) -> Payload:
    """The answer that holds what `_postprocess` returned; see :func:`to_json`."""
    return Payload(b''.join((_HEAD, to_json(prediction), _TAIL)))


def prediction_in(content: Body) -> bytes:
    """JSON text of the prediction that an answer holds."""
    return bytes(content[len(_HEAD):-len(_TAIL)])
