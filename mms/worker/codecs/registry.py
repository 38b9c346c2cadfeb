"""The codecs by the names of their protocols: a new one is one entry."""

from __future__ import annotations

from functools import partial
from typing import Union

from mms.ipc.request import (
    CLASSIC,
    CLASSIC_BATCH,
    CLASSIC_ENTRY,
    CLASSIC_SINGLE,
    OPEN_INFERENCE,
    OPEN_INFERENCE_ENTRY,
    Entries,
    Request,
)
from mms.worker.codecs.classic import Classic, encode_entry
from mms.worker.codecs.codec import Codec, CodecMaker, Decoded, Endpoint
from mms.worker.codecs.inference_v2.codec import InferenceV2

CODECS: dict[str, CodecMaker] = {
    CLASSIC: Classic,
    CLASSIC_BATCH: partial(Classic, is_batch=True),
    CLASSIC_SINGLE: partial(Classic, is_batch=False),
    CLASSIC_ENTRY: partial(Classic, is_batch=False, encode=encode_entry),
    OPEN_INFERENCE: InferenceV2,
    OPEN_INFERENCE_ENTRY: partial(InferenceV2, is_entry=True),
}


class Codecs:
    """All codecs for one model, each made when its first request comes."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._made: dict[str, Codec] = {}

    def decode(self, request: Request) -> Union[Decoded, Entries]:
        """Read a request by its protocol; see :meth:`Codec.decode`.

        Raises
        ------
        LookupError
            No codec has this name.
        """
        codec = self._made.get(request.protocol)
        if codec is None:
            codec = self._made[request.protocol] = self._make(request.protocol)
        return codec.decode(request)

    def _make(self, protocol: str) -> Codec:
        make = CODECS.get(protocol)
        if make is None:
            raise LookupError(f'no codec of {__name__}.CODECS has the name {protocol!r}')
        return make(self._endpoint)
