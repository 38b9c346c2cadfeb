"""What a protocol is to a worker: bytes of a request to inputs, an answer to bytes."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Protocol, Union

from mms.config.defaults import DEFAULT_MAX_FORM_FIELDS
from mms.ipc.request import JSON, NO_HEADERS, Entries, Headers, Request


class Payload(NamedTuple):
    """An answer as its client gets it, with its HTTP status."""

    content: bytes
    content_type: str = JSON
    status: int = 200
    headers: Headers = NO_HEADERS


class Decoded(NamedTuple):
    """A request that was read.

    Attributes
    ----------
    inputs
        What `_preprocess` takes.
    encode
        Makes of what `_postprocess` returned the answer to this request. It raises TypeError or
        ValueError where the protocol has no form for that.
    wants_outputs
        Whether it is given what `_inference` returned instead, and `_postprocess` does not run.
    """

    inputs: list[Any]
    encode: Callable[[Any], Payload]
    wants_outputs: bool = False


class Codec(Protocol):
    """One protocol, for one service."""

    def decode(self, request: Request) -> Union[Decoded, Entries]:
        """Read a request; of one that is several, the entries.

        Raises
        ------
        RequestError
            It is not what the protocol, or the service's signature, asks for.
        """


class Endpoint(NamedTuple):
    """What a codec may look at of the model that it is for.

    Attributes
    ----------
    name
        By which clients know the model.
    max_image_pixels
        Largest width times height of a picture, in pixels.
    max_form_fields
        Most fields and files of a form.
    """

    name: str
    service: Any
    max_image_pixels: int
    max_form_fields: int = DEFAULT_MAX_FORM_FIELDS


CodecMaker = Callable[[Endpoint], Codec]
