"""Why a request has no answer, as the server tells it to a front."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Optional

from mms.errors import RequestError

# Of an error that nobody foresaw; the log of the server has its traceback.
_FAILED = 'The server failed over this request; its log says how.'
Told = list[Any]


def told(error: Optional[RequestError]) -> Told:
    """An error, in plain values; None for one that nobody foresaw."""
    if error is None:
        return [RequestError.__name__, _FAILED, None]
    return [type(error).__name__, str(error), error.retry_after_s]


def raised(name: str, message: str, retry_after_s: Optional[int]) -> RequestError:
    """The error that was told."""
    error = RequestError.__new__(_by_name().get(name, RequestError), message)
    RequestError.__init__(error, message)
    if retry_after_s != error.retry_after_s:
        error.retry_after_s = retry_after_s
    return error


@cache
def _by_name() -> dict[str, type[RequestError]]:
    return {kind.__name__: kind for kind in _kinds(RequestError)}


def _kinds(kind: type[RequestError]) -> Iterator[type[RequestError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)
