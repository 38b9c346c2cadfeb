"""A request of several entries: each is asked as if its client had sent it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, NoReturn, Optional

import gevent

from mms.errors import BadRequest, InferenceError, RequestError
from mms.event_loop.yielding import TimeSlice
from mms.ipc.context import Context
from mms.ipc.messages import (
    MOST_ENTRIES,
    OPEN_INFERENCE_ENTRY,
    Content,
    Entries,
    Reply,
    Request,
)
from mms.runtime.byte_budget import PIECE_BYTES, ByteBudget, ChunkedBuffer
from mms.serving.caller import Caller
from mms.serving.joined_tensors import joined_tensors

_HEAD, _BETWEEN, _TAIL = b'{"prediction":[', b',', b']}\n'
# Of these it is told which entry was wrong; all others are about the model.
_OF_ENTRIES = (BadRequest, InferenceError)

# Protocol of entries -> makes one answer of theirs; of any other it is a list of JSON.
_JOINED = {OPEN_INFERENCE_ENTRY: joined_tensors}

Ask = Callable[[Request, Caller], Reply]


class _Failed(NamedTuple):
    number: int
    error: Exception


def answer_entries(entries: Entries, context: Context, caller: Caller, ask: Ask,
                   at_once: int) -> Reply:
    """Ask all entries, so many at a time; the answer is the list of theirs, or the first error.

    Parameters
    ----------
    context
        Of each of them.
    caller
        Who waits for all.
    ask
        Has one answered, in its turn among all other requests.
    at_once
        How many of them may wait or run at any time: others come between.

    Raises
    ------
    RequestError
    """
    count = len(entries.requests)
    if not 0 < count <= MOST_ENTRIES:
        raise RequestError(f'The process of the model has made {count} entries of a request.')
    caller.admit(count - 1)
    replies: list[Optional[Reply]] = [None] * count
    left = iter(list(enumerate(entries.requests)))

    def work() -> Optional[_Failed]:
        for number, request in left:
            try:
                replies[number] = ask(replace(request, context=context), Caller(caller.has_left))
            except Exception as error:
                return _Failed(number, error)
        return None

    asking = [gevent.spawn(work) for _ in range(min(at_once, count))]
    try:
        for done in gevent.iwait(asking):
            if done.value is not None:
                raise _told(entries.name, done.value)
    finally:
        gevent.killall(asking)
    join = _JOINED.get(entries.requests[0].protocol, _joined)
    answered = [reply for reply in replies if reply is not None]
    return replace(join(answered), stage_times_ms=_mean_times(answered))


def no_entries(entries: Entries, context: Context, caller: Caller) -> NoReturn:
    """Where entries were found in an entry.

    Raises
    ------
    RequestError
    """
    raise RequestError('The process of the model has made entries of an entry.')


def _told(name: str, failed: _Failed) -> Exception:
    error = failed.error
    if type(error) in _OF_ENTRIES:
        return type(error)(f'{name}[{failed.number}]: {error}')
    return error


def _joined(replies: Sequence[Reply]) -> Reply:
    first = replies[0].content
    whole = ChunkedBuffer(first.budget if isinstance(first, ChunkedBuffer) else ByteBudget())
    time_slice = TimeSlice()
    gathered: list[bytes] = []
    size = 0
    for piece in _pieces([reply.content for reply in replies]):
        gathered.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            whole.append(b''.join(gathered))
            gathered, size = [], 0
            time_slice.yield_if_over()
    whole.append(b''.join(gathered))
    return replace(replies[0], content=whole)


def _pieces(contents: Sequence[Content]) -> Iterator[bytes]:
    mark = _HEAD
    for content in contents:
        yield mark
        mark = _BETWEEN
        yield from content.consume() if isinstance(content, ChunkedBuffer) else (content,)
    yield _TAIL


def _mean_times(replies: Sequence[Reply]) -> dict[str, float]:
    """How long an entry was in each hook."""
    stages = {stage for reply in replies for stage in reply.stage_times_ms}
    return {stage: sum(reply.stage_times_ms.get(stage, 0.0) for reply in replies) / len(replies)
            for stage in stages}
