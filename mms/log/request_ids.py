"""Which requests a line of the log is about.

The front says so for the greenlet or thread that answers a request (:func:`begin`, :func:`end`), a
worker for its whole process (:func:`take`): threads that a hook starts log for its request too.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextvars import ContextVar
from typing import NamedTuple, Protocol

# A batch may have hundreds of requests; a line names so many of them.
MOST_IDS = 8


class Named(Protocol):
    """What is known of a request."""

    @property
    def request_id(self) -> str:
        """Its name in logs."""

    @property
    def trace_parent(self) -> str:
        """Its W3C ``traceparent``, or nothing."""

    @property
    def trace_state(self) -> str:
        """Its W3C ``tracestate``, or nothing."""


class Marks(NamedTuple):
    """What a line says of the requests that it is about.

    Attributes
    ----------
    ids
        Their names, as many as a line has.
    more
        How many there are beside these.
    trace_parent, trace_state
        Of a single request; else empty.
    """

    ids: Sequence[str] = ()
    more: int = 0
    trace_parent: str = ''
    trace_state: str = ''

    def __str__(self) -> str:
        """What stands at the end of a line: nothing where it is about no request."""
        if not self.ids:
            return ''
        return f" request_id={','.join(self.ids)}{f'+{self.more}' if self.more else ''}"


NO_MARKS = Marks()


class _InHand:
    """The requests that this process has in hand, where it says so for all its threads."""

    requests: Sequence[Named] = ()


_of_process = _InHand()
_of_task: ContextVar[Sequence[Named]] = ContextVar('requests', default=())


def begin(request: Named) -> None:
    """What this greenlet or thread logs from now on is about this request."""
    _of_task.set((request,))


def end() -> None:
    """What this greenlet or thread logs from now on is about no request."""
    _of_task.set(())


def take(requests: Sequence[Named]) -> None:
    """What any thread of this process logs from now on is about these requests."""
    _of_process.requests = requests


def current() -> Sequence[Named]:
    """The requests that whoever asks logs about."""
    return _of_task.get() or _of_process.requests


def marks(requests: Sequence[Named]) -> Marks:
    """What a line about these requests says of them."""
    if not requests:
        return NO_MARKS
    if len(requests) == 1:
        [only] = requests
        return Marks((only.request_id,), 0, only.trace_parent, only.trace_state)
    ids = [request.request_id for request in requests[:MOST_IDS]]
    return Marks(ids, len(requests) - len(ids))


def about(requests: Sequence[Named]) -> dict[str, Marks]:
    """For `extra` of a log call: the line is about these requests, whoever logs it."""
    return {'mms_marks': marks(requests)}


def marks_of(record: logging.LogRecord) -> Marks:
    """What the line of a record says of its requests.

    A record keeps what it was about when this was asked for the first time.
    """
    found = record.__dict__.get('mms_marks')
    if not isinstance(found, Marks):
        found = record.mms_marks = marks(current())
    return found
