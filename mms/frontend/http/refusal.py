"""What is answered where no application is asked: in JSON, as its errors are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mms.errors import BuffersFull

MESSAGES = {
    '400': ('BadRequestException', 'This is no HTTP request.'),
    '408': ('RequestTimeoutException', 'The head of the request did not arrive in time.'),
    '414': ('RequestUriTooLongException', 'The request line is too long.'),
    '431': ('RequestHeaderFieldsTooLargeException', 'The head of the request is too large.'),
    '500': ('InternalServerException', 'The server failed over this request; its log says how.'),
    # The reason says it all.
    '503': (BuffersFull.type, ''),
}


def refusal(status: str, request_id: str, reason: str = '', instead: str = '',
            more: Sequence[tuple[str, str]] = ()) -> bytes:
    """A whole response for what is no request; with a reason, or a message of its own.

    Parameters
    ----------
    more
        Headers beside those that each has.
    """
    kind, message = MESSAGES[status]
    if instead:
        message = instead
    if reason:
        message = f'{message[:-1]}: {reason}.' if message else reason
    body = json.dumps({'code': int(status), 'type': kind, 'message': message}).encode() + b'\n'
    headers = {'Content-Type': 'application/json', 'Content-Length': str(len(body)),
               'X-Request-Id': request_id, **dict(more), 'Connection': 'close'}
    if status == '503':
        headers['Retry-After'] = str(BuffersFull.retry_after_s)
    return _head(status, headers) + body


def _head(status: str, headers: Mapping[str, str]) -> bytes:
    reason = {'400': 'BAD REQUEST', '408': 'REQUEST TIMEOUT',
              '414': 'REQUEST URI TOO LONG', '431': 'REQUEST HEADER FIELDS TOO LARGE',
              '500': 'INTERNAL SERVER ERROR', '503': 'SERVICE UNAVAILABLE'}[status]
    lines = [f'{name}: {value}' for name, value in headers.items()]
    return '\r\n'.join([f'HTTP/1.1 {status} {reason}', *lines, '', '']).encode()
