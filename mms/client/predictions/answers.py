"""What a server has answered: content, or an error."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Optional

from mms.client.predictions.errors import ErrorAnswer, UnreadableAnswer, class_of

REQUEST_ID = 'X-Request-Id'
_FIRST_REDIRECT, _FIRST_ERROR = 300, 400
_NOT_FOUND = 404
# A message is one line.
_LONGEST_TEXT = 300
# Not a date on its way to overflow.
_LONGEST_S = 10.0**9


class Answer(NamedTuple):
    """What came.

    Attributes
    ----------
    headers
        Whose names are in any letter case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def content_of(answer: Answer, request_id: str, shown: str) -> Any:
    """The JSON of an answer.

    Parameters
    ----------
    request_id
        That was sent; the answer's own counts.
    shown
        The server's address, for messages.

    Raises
    ------
    ErrorAnswer
        It is an error.
    UnreadableAnswer
        It is none of such a server.
    """
    known = answer.headers.get(REQUEST_ID, request_id)
    content = _parsed(answer.body)
    if answer.status >= _FIRST_ERROR and not (answer.status == _NOT_FOUND and content is None):
        raise _error(answer, content, known)
    if answer.status >= _FIRST_REDIRECT or content is None:
        told = answer.headers.get('Location') or _start_of(answer.body) or 'nothing'
        raise UnreadableAnswer(f'{shown} is no model server: it answers {answer.status} with '
                               f'{told}', known)
    return content


def retry_after_s(text: Optional[str], now: float) -> Optional[float]:
    """Seconds that ``Retry-After`` asks for, a number or a date; None where it says nothing.

    Parameters
    ----------
    now
        Seconds since 1970.
    """
    if text is None:
        return None
    if text.strip().isdecimal():
        return min(float(text), _LONGEST_S)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return None


def _error(answer: Answer, content: Any, request_id: str) -> ErrorAnswer:
    told: Mapping[str, Any] = content if isinstance(content, dict) else {}
    message = str(told.get('message') or _start_of(answer.body)
                  or f'the server answers {answer.status}')
    return class_of(answer.status)(message, request_id, answer.status, str(told.get('type', '')),
                                   retry_after_s(answer.headers.get('Retry-After'), time.time()))


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _start_of(body: bytes) -> str:
    return ' '.join(body[:_LONGEST_TEXT].decode('utf-8', 'replace').split())
