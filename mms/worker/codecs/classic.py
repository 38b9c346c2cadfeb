"""The protocol of MMS 0.4, inputs in a form, answered by ``{"prediction":...}``; and plain bodies:
a picture as it is, or JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional, Union

from mms.archive.signature import BATCH
from mms.ipc.request import Body, Entries, Request
from mms.worker.codecs.body_kind import BodyKind, body_kind
from mms.worker.codecs.codec import Decoded, Endpoint, Payload
from mms.worker.codecs.entries import Given, entries_of
from mms.worker.codecs.form import read_form
from mms.worker.codecs.inputs import read_inputs
from mms.worker.codecs.json_answer import to_json
from mms.worker.codecs.json_body import read_json_body
from mms.worker.codecs.raw_body import raw_picture

_HEAD, _TAIL = b'{"prediction":', b'}\n'


def encode_prediction(prediction: Any) -> Payload:
    """The answer that holds what `_postprocess` returned; see :func:`to_json`."""
    return Payload(b''.join((_HEAD, to_json(prediction), _TAIL)))


def encode_entry(prediction: Any) -> Payload:
    """What `_postprocess` returned, for one entry of several."""
    return Payload(to_json(prediction))


def prediction_in(content: Body) -> bytes:
    """JSON text of the prediction that an answer holds."""
    return bytes(content[len(_HEAD):-len(_TAIL)])


class Classic:
    """The codec of a service whose inputs come in a form, or in a plain body.

    The signature is looked up each time, since a service may change it.

    Parameters
    ----------
    is_batch
        Whether a request has several entries; None where the signature says so for JSON.
    encode
        Writes the answer.
    """

    def __init__(self, endpoint: Endpoint, is_batch: Optional[bool] = None,
                 encode: Callable[[Any], Payload] = encode_prediction) -> None:
        self._service = endpoint.service
        self._max_image_pixels = endpoint.max_image_pixels
        self._max_form_fields = endpoint.max_form_fields
        self._is_batch = is_batch
        self._encode = encode

    def decode(self, request: Request) -> Union[Decoded, Entries]:
        """Read the inputs that the signature names, or the entries that have them."""
        signature = self._service.signature
        media_type = request.content_type.partition(';')[0].strip().lower()
        kind = body_kind(media_type, request.body)
        if self._has_entries(kind, signature):
            return entries_of(Given(request, media_type, kind), signature, self._max_form_fields)
        return Decoded(self._inputs(request, media_type, kind, signature), self._encode)

    def _has_entries(self, kind: BodyKind, signature: Mapping[str, Any]) -> bool:
        if self._is_batch is None:
            return kind is BodyKind.JSON and signature.get(BATCH) is True
        return self._is_batch

    def _inputs(self, request: Request, media_type: str, kind: BodyKind,
                signature: Mapping[str, Any]) -> list[Any]:
        if kind is BodyKind.JSON:
            return read_json_body(request.body, signature, self._max_image_pixels)
        if kind is BodyKind.PICTURE:
            raw = [raw_picture(request, media_type, signature)]
        else:
            raw = read_form(request, signature, self._max_form_fields)
        return read_inputs(raw, signature, self._max_image_pixels)
