"""A request as a client has sent it, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Union

from mms.ipc.context import NO_CONTEXT, Context
from mms.runtime.byte_budget import ChunkedBuffer

Body = Union[bytes, bytearray]
# What crosses from process to process: the front has it in pieces.
Content = Union[bytes, bytearray, ChunkedBuffer]

# In messages to a client: MMS 0.4's words, behind which the front puts the real address.
API_DESCRIPTION = 'http://<host>:<port>/api-description'

# The protocol of MMS 0.4: a form, answered by JSON.
CLASSIC = 'classic'
# Tensors as JSON, or as they lie in memory: what Triton and KServe speak.
OPEN_INFERENCE = 'inference_v2'
# The same of one picture of several, whose answer becomes a part of that of all.
OPEN_INFERENCE_ENTRY = 'inference_v2_entry'
# The same, where a header says that a request has several entries, or that it has one; and for one
# of them, whose answer is the prediction alone.
CLASSIC_BATCH, CLASSIC_SINGLE, CLASSIC_ENTRY = 'classic_batch', 'classic_single', 'classic_entry'
JSON = 'application/json'
# Of one request.
MOST_ENTRIES = 1000

# Headers beside the Content-Type, of a protocol that has such.
Headers = Mapping[str, str]
NO_HEADERS: Headers = MappingProxyType({})
# Those that an answer may have: a process that runs the code of a model may say anything.
ANSWER_HEADERS = frozenset({'Content-Encoding', 'Inference-Header-Content-Length'})


def no_headers() -> Headers:
    """Those of most."""
    return NO_HEADERS


@dataclass(frozen=True)
class Request:
    """What a client has sent, as it came.

    Attributes
    ----------
    protocol
        Name of the codec that reads it: see :mod:`mms.worker.codecs.registry`.
    content_type
        Its ``Content-Type``.
    content
        Its body.
    headers
        What its protocol reads of its other headers.
    """

    protocol: str
    content_type: str
    content: Content
    context: Context = field(default=NO_CONTEXT, compare=False)
    headers: Headers = field(default_factory=no_headers, hash=False)

    @property
    def body(self) -> Body:
        """The content in one piece, as a worker has it."""
        return _in_one_piece(self.content)


def _in_one_piece(content: Content) -> Body:
    return bytes(content) if isinstance(content, ChunkedBuffer) else content


@dataclass(frozen=True)
class Reply:
    """What a client gets, as it is sent, and how long each stage took (ms)."""

    content: Content
    stage_times_ms: dict[str, float] = field(default_factory=dict)
    content_type: str = JSON
    status: int = 200
    headers: Headers = field(default_factory=no_headers, hash=False)

    @property
    def body(self) -> Body:
        """The content in one piece, as a worker has it."""
        return _in_one_piece(self.content)


@dataclass(frozen=True)
class Failure:
    """The name of an error class of :mod:`mms.errors`, and its message."""

    error: str
    message: str


@dataclass(frozen=True)
class Entries:
    """In place of an answer: the request is several, each of which is to be answered by itself.

    Attributes
    ----------
    name
        Of what holds them, for messages about one of them.
    requests
        One each; the answer is the list of what they are answered, which is JSON.
    """

    name: str
    requests: Sequence[Request]


Answer = Union[Reply, Failure, Entries]
