"""What HTTPX raises, as the errors of this client."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from typing import Optional, Union

import httpx

from mms.client.management_tls import failure, wants_certificate
from mms.client.predictions.address import ServerAddress
from mms.client.predictions.errors import (
    ClientError,
    ConnectionLost,
    ConnectTimedOut,
    NotReached,
    TimedOut,
    TLSFailed,
    UnreadableAnswer,
    WrongUse,
)
from mms.client.predictions.limits import Timeouts

# Of HTTPX's and h11's words for a connection that ended.
_ENDED = ('disconnected', 'closed connection')


# Under TLS, HTTPX's client for asyncio lets errors of the system through.
FAILURES = (httpx.HTTPError, OSError, ClientError)


class OutOfTime(httpx.TimeoutException):
    """The time for the whole call is over."""


def error_of(error: Union[httpx.HTTPError, OSError, ClientError], address: ServerAddress,
             request_id: str, timeouts: Timeouts, is_over: bool) -> ClientError:
    """The error to raise; one that is of this client already is returned as it is.

    Parameters
    ----------
    address
        Of the server, for messages.
    request_id
        Of the request.
    timeouts
        That were in force.
    is_over
        Whether the time for the whole call is.
    """
    if isinstance(error, ClientError):
        return error
    causes = list(_causes(error))
    if isinstance(error, httpx.TimeoutException):
        return _late(error, address, request_id, timeouts, is_over)
    if isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
        return _not_reached(error, causes, address)
    refused = next((cause for cause in causes
                    if isinstance(cause, ssl.SSLError) and wants_certificate(cause)), None)
    if refused is not None:
        return TLSFailed(failure(address.given, refused, address.dashes), request_id)
    if isinstance(error, httpx.LocalProtocolError):
        return WrongUse(f'the request cannot be sent: {error}')
    if isinstance(error, (httpx.NetworkError, OSError)) or any(
            word in str(error) for word in _ENDED):
        return ConnectionLost(f'the connection to {address.shown} ended before the answer'
                              f'{_reason(causes)}', request_id)
    return UnreadableAnswer(f'{address.shown} answers with what is no HTTP: {error}', request_id)


def _late(error: httpx.TimeoutException, address: ServerAddress, request_id: str,
          timeouts: Timeouts, is_over: bool) -> ClientError:
    total = timeouts.total_s
    if isinstance(error, httpx.ConnectTimeout):
        seconds = min(timeouts.connect_s, total or timeouts.connect_s)
        return ConnectTimedOut(f'no connection to {address.shown} within {seconds:g} s')
    if isinstance(error, httpx.PoolTimeout):
        return ConnectTimedOut(f'no connection to {address.shown} was free within {total:g} s')
    if is_over:
        return TimedOut(f'no answer from {address.shown} within {total:g} s', request_id)
    return TimedOut(f'{address.shown} sent nothing for {timeouts.read_s:g} s', request_id)


def _not_reached(error: httpx.HTTPError, causes: list[BaseException], address: ServerAddress
                 ) -> NotReached:
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return TLSFailed(failure(address.given, cause, address.dashes))
    if any(isinstance(cause, (ConnectionRefusedError, FileNotFoundError)) for cause in causes):
        return NotReached(f'no server listens at {address.shown}: start it there, or give its '
                          'address')
    return NotReached(f'{address.shown} cannot be reached{_reason(causes) or f": {error}"}')


def _reason(causes: list[BaseException]) -> str:
    """What the system says, where it does."""
    told = [text for cause in causes if isinstance(cause, OSError)
            for text in [_system_text(cause)] if text]
    # The innermost knows best.
    return f': {told[-1][:1].lower()}{told[-1][1:]}' if told else ''


def _system_text(error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or ''
    # Of asyncio's, the text is that of asyncio.
    return os.strerror(error.errno)


def _causes(error: Optional[BaseException]) -> Iterator[BaseException]:
    """An error, and what has led to it; of several at once, all."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__ or one.__context__, *getattr(one, 'exceptions', ())]
