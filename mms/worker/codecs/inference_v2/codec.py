"""The codec of the Open Inference Protocol."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any, Union

from mms.ipc.request import Entries, Request
from mms.model_service.hook_marks import can_take_arrays, has_outputs
from mms.model_service.model_service import SingleNodeService
from mms.worker.codecs.codec import Decoded, Endpoint, Payload
from mms.worker.codecs.inference_v2.answer import Answering, payload_of
from mms.worker.codecs.inference_v2.asked import Asked, read_asked
from mms.worker.codecs.inference_v2.inputs import check_names, read_inputs
from mms.worker.codecs.inference_v2.outputs import tensors_of
from mms.worker.codecs.inference_v2.raw_request import HEADER_LENGTH, is_raw, read_raw
from mms.worker.codecs.inference_v2.several import entries_of, picture_names, pictures_in
from mms.worker.codecs.inference_v2.wanted import names_of


class InferenceV2:
    """The codec of a service whose inputs come as tensors.

    The signature is looked up each time, since a service may change it.

    Parameters
    ----------
    is_entry
        Whether requests are the entries of others.
    """

    def __init__(self, endpoint: Endpoint, is_entry: bool = False) -> None:
        self._is_entry = is_entry
        self._name = endpoint.name
        self._service = endpoint.service
        self._max_image_pixels = endpoint.max_image_pixels
        hooks = _hooks_run(endpoint.service)
        self._wants_outputs = hooks and has_outputs(endpoint.service)
        self._takes_arrays = hooks and can_take_arrays(endpoint.service)

    def decode(self, request: Request) -> Union[Decoded, Entries]:
        """Read the tensors of the inputs that the signature names."""
        signature: Mapping[str, Any] = self._service.signature
        asked = self._asked(request, signature)
        check_names(asked.inputs, signature)
        count = pictures_in(asked.inputs, signature)
        if count > 1:
            return entries_of(asked, signature, count)
        inputs = read_inputs(asked.inputs, signature, self._max_image_pixels, self._takes_arrays)
        answering = Answering(self._name, asked.id, asked.outputs, asked.is_binary,
                              request.headers.get('Accept-Encoding', ''),
                              getattr(self._service, 'labels', ()), self._is_entry)
        return Decoded(inputs, partial(_encode, signature, answering), self._wants_outputs)

    def _asked(self, request: Request, signature: Mapping[str, Any]) -> Asked:
        if is_raw(request.headers):
            return read_raw(request.body, signature)
        return read_asked(request.body, request.headers.get(HEADER_LENGTH), self._name,
                          names_of(signature), picture_names(signature))


def _encode(signature: Mapping[str, Any], answering: Answering, prediction: Any) -> Payload:
    return payload_of(tensors_of(prediction, signature), answering)


def _hooks_run(service: Any) -> bool:
    """Whether the three hooks are what answers."""
    return (isinstance(service, SingleNodeService) and inspect.getattr_static(
        service, 'inference') is SingleNodeService.inference)
