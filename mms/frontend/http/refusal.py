"""What is answered where no application is asked: in JSON, as its errors are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mms.errors import BuffersFull
from mms.metrics.refusals import CLIENT_CONNECTIONS, CONNECTIONS

MESSAGES = {
    '400': ('BadRequestException', 'This is no HTTP request.'),
    '408': ('RequestTimeoutException', 'The head of the request did not arrive in time.'),
    '414': ('RequestUriTooLongException', 'The request line is too long.'),
    '429': ('TooManyRequestsException', ''),
    '431': ('RequestHeaderFieldsTooLargeException', 'The head of the request is too large.'),
    '500': ('InternalServerException', 'The server failed over this request; its log says how.'),
    # The reason says it all.
    '503': (BuffersFull.type, ''),
}

_TURNED_AWAY = {
    CONNECTIONS: ('503', 'The server has as many connections as it may (--max-connections).'),
    CLIENT_CONNECTIONS: ('429', 'This client has as many connections as it may '
                                '(--max-connections-per-client).'),
}


class TurnedAway(ValueError):
    """A connection is beyond a limit.

    Parameters
    ----------
    reason
        Which limit, of :data:`mms.metrics.refusals.REASONS`.

    Attributes
    ----------
    status
        Of the answer.
    reason
        As given.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.status, message = _TURNED_AWAY[reason]
        super().__init__(message)


def refusal(status: str, request_id: str, reason: str = '', instead: str = '',
            more: Sequence[tuple[str, str]] = ()) -> bytes:
    """A whole response for what is no request; with a reason, or a message of its own.

    Parameters
    ----------
    more
        Headers beside those that each has.
    request_id
        Its name; empty where it has none.
    """
    kind, message = MESSAGES[status]
    if instead:
        message = instead
    if reason:
        message = f'{message[:-1]}: {reason}.' if message else reason
    body = json.dumps({'code': int(status), 'type': kind, 'message': message}).encode() + b'\n'
    headers = {'Content-Type': 'application/json', 'Content-Length': str(len(body)),
               **dict(more), 'Connection': 'close'}
    if request_id:
        headers['X-Request-Id'] = request_id
    if status in ('429', '503'):
        headers['Retry-After'] = str(BuffersFull.retry_after_s)
    return _head(status, headers) + body


def _head(status: str, headers: Mapping[str, str]) -> bytes:
    reason = {'400': 'BAD REQUEST', '408': 'REQUEST TIMEOUT',
              '414': 'REQUEST URI TOO LONG', '429': 'TOO MANY REQUESTS',
              '431': 'REQUEST HEADER FIELDS TOO LARGE',
              '500': 'INTERNAL SERVER ERROR', '503': 'SERVICE UNAVAILABLE'}[status]
    lines = [f'{name}: {value}' for name, value in headers.items()]
    return '\r\n'.join([f'HTTP/1.1 {status} {reason}', *lines, '', '']).encode()
