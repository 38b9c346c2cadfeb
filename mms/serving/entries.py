"""A request of several entries: each is asked as if its client had sent it alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, NoReturn

from gevent.event import Event
from gevent.pool import Group

from mms.errors import BadRequest, InferenceError, RequestError
from mms.event_loop.yielding import TimeSlice
from mms.ipc.request import MOST_ENTRIES, OPEN_INFERENCE_ENTRY, Content, Entries, Reply, Request
from mms.runtime.byte_budget import ByteBudget, ChunkedBuffer
from mms.serving.caller import Caller
from mms.serving.joined_tensors import joined_tensors
from mms.serving.pieces import append_pieces

_HEAD, _BETWEEN, _TAIL = b'{"prediction":[', b',', b']}\n'
# Of these it is told which entry was wrong; all others are about the model.
_OF_ENTRIES = (BadRequest, InferenceError)

# Protocol of entries -> makes one answer of theirs; of any other it is a list of JSON.
_JOINED = {OPEN_INFERENCE_ENTRY: joined_tensors}

Ask = Callable[[Request, Caller], Reply]


class _Failed(NamedTuple):
    number: int
    error: Exception


def answer_entries(entries: Entries, request: Request, caller: Caller, ask: Ask,
                   at_once: Callable[[], int]) -> Reply:
    """Ask all entries, so many at a time; the answer is the list of theirs, or the first error.

    Parameters
    ----------
    request
        What they were found in; each has its context. Its content is let go: nobody needs it any
        more.
    caller
        Who waits for all.
    ask
        Has one answered, in its turn among all other requests.
    at_once
        How many of them may wait or run at this time, 1 at least: others come between.

    Raises
    ------
    RequestError
    """
    count = len(entries.requests)
    if not 0 < count <= MOST_ENTRIES:
        raise RequestError(f'The process of the model has made {count} entries of a request.')
    caller.admit(count - 1)
    _let_go(request.content)

    def ask_one(entry: Request) -> Reply:
        return ask(replace(entry, context=request.context), Caller(caller.has_left))

    replies = _Asking(entries, ask_one, at_once).replies()
    join = _JOINED.get(entries.requests[0].protocol, _joined)
    return replace(join(replies), stage_times_ms=_mean_times(replies))


class _Asking:
    """Asks the entries of a request, so many at a time.

    Parameters
    ----------
    at_once
        How many may be asked at this time.
    """

    def __init__(self, entries: Entries, ask: Callable[[Request], Reply],
                 at_once: Callable[[], int]) -> None:
        self._name = entries.name
        self._count = len(entries.requests)
        self._left = deque(enumerate(entries.requests))
        self._ask = ask
        self._at_once = at_once
        self._replies: dict[int, Reply] = {}
        self._failed: list[_Failed] = []
        self._over = Event()
        self._asking = Group()
        self._running = 0

    def replies(self) -> list[Reply]:
        """What they are answered, in order.

        Raises
        ------
        RequestError
            The first error.
        """
        try:
            self._fill()
            self._over.wait()
        finally:
            self._asking.kill()
        if self._failed:
            # Taken from there: an error that knows itself would stay, with all that its frames
            # hold, until Python collects its garbage.
            raise _told(self._name, self._failed.pop(0))
        return [self._replies[number] for number in range(self._count)]

    def _fill(self) -> None:
        for _ in range(min(self._at_once() - self._running, len(self._left))):
            self._running += 1
            self._asking.spawn(self._work)

    def _work(self) -> None:
        # There may be more at once than when it began, or fewer.
        while self._left and self._running <= self._at_once():
            number, request = self._left.popleft()
            self._fill()
            try:
                self._replies[number] = self._ask(request)
            except Exception as error:
                self._failed.append(_Failed(number, error.with_traceback(None)))
                self._over.set()
                return
            # The worker has had it whole.
            _let_go(request.content)
        self._running -= 1
        if len(self._replies) == self._count:
            self._over.set()


def no_entries(entries: Entries, request: Request, caller: Caller) -> NoReturn:
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


def _let_go(content: Content) -> None:
    """Forget what a request holds: it counts no more."""
    if isinstance(content, ChunkedBuffer):
        time_slice = TimeSlice()
        for _ in content.hand_over():
            if len(content):
                time_slice.yield_if_over()


def _joined(replies: Sequence[Reply]) -> Reply:
    first = replies[0].content
    whole = ChunkedBuffer(first.budget if isinstance(first, ChunkedBuffer) else ByteBudget())
    append_pieces(whole, _pieces([reply.content for reply in replies]))
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
