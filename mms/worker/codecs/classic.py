"""From a request to the inputs of a service."""

from __future__ import annotations

from typing import Any

from mms.ipc.messages import Request
from mms.worker.codecs.form import read_form
from mms.worker.codecs.inputs import read_inputs
from mms.worker.hooks import InputsOf


def intake_of(service: Any, max_image_pixels: int) -> InputsOf:
    """What makes of a request the list that the `_preprocess` of `service` takes.

    The signature is looked up each time, since a service may change it.

    Parameters
    ----------
    max_image_pixels
        Largest width times height of a picture, in pixels.
    """

    def inputs_of(request: Request) -> list[Any]:
        signature = service.signature
        return read_inputs(read_form(request, signature), signature, max_image_pixels)

    return inputs_of
