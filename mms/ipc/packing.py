"""What a message is as bytes: the JSON of its header, and the contents that follow it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from math import isfinite
from typing import Any

import orjson

from mms.ipc.messages import Answered, Message, Work
from mms.ipc.request import JSON, Answer, Body, Content, Entries, Reply, Request
from mms.runtime.byte_budget import ChunkedBuffer

# An exception's text may be as long as a service likes; the front reads it in one go.
_LONGEST_TEXT = 8192


def pieces(contents: Iterable[Content]) -> Iterator[Body]:
    """All of several contents, as they are held."""
    for content in contents:
        if isinstance(content, ChunkedBuffer):
            yield from content
        else:
            yield content


def pack(message: Message) -> tuple[bytes, list[Content]]:
    """The header of a message as bytes, and what its body is made of."""
    header, contents = {name: _short(value) for name, value in vars(message).items()}, []
    if isinstance(message, Work):
        header['requests'] = [_request_head(request) for request in message.requests]
        contents = [request.content for request in message.requests]
    if isinstance(message, Answered):
        header['answers'] = [_answer_head(answer) for answer in message.answers]
        contents = [content for answer in message.answers for content in _contents_of(answer)]
    return _written_header(message, header), contents


def _written_header(message: Message, header: dict[str, Any]) -> bytes:
    """JSON of a header; of what comes and goes with each batch by the faster writer."""
    if isinstance(message, Work) or (isinstance(message, Answered) and _is_finite(message)):
        # Half a character, or a number beyond 64 bits, is beyond it.
        with suppress(TypeError):
            return orjson.dumps(header)
    return json.dumps(header).encode()


def _is_finite(message: Answered) -> bool:
    """Whether all times are numbers that JSON has: the faster writer makes null of others."""
    return all(isfinite(sum(answer.stage_times_ms.values())) for answer in message.answers
               if isinstance(answer, Reply))


def read_header(data: bytearray) -> Any:
    """The JSON of a header."""
    try:
        return orjson.loads(data)
    except ValueError:
        # The same; or NaN, which JSON does not have.
        return json.loads(data.decode())


def _request_head(request: Request) -> list[Any]:
    head = [request.protocol, request.content_type, len(request.content), tuple(request.context)]
    if request.headers:
        head.append(dict(request.headers))
    return head


def _answer_head(answer: Answer) -> list[Any]:
    if isinstance(answer, Reply):
        head = [len(answer.content), answer.stage_times_ms]
        if answer.headers:
            head += [answer.content_type, answer.status, dict(answer.headers)]
        elif (answer.content_type, answer.status) != (JSON, 200):
            head += [answer.content_type, answer.status]
        return head
    if isinstance(answer, Entries):
        return [[[request.protocol, request.content_type, len(request.content),
                  *([dict(request.headers)] if request.headers else [])]
                 for request in answer.requests], answer.name]
    return [answer.error, _short(answer.message)]


def _contents_of(answer: Answer) -> Sequence[Content]:
    if isinstance(answer, Reply):
        return (answer.content,)
    return [request.content for request in answer.requests] if isinstance(answer, Entries) else ()


def _short(value: Any) -> Any:
    """A text as a message may hold it; other values as they are."""
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f'{value[:_LONGEST_TEXT]} [{len(value) - _LONGEST_TEXT} more characters]'
    return value
