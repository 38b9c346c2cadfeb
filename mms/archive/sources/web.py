"""Download archives over ``http://`` and ``https://``."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Optional
from urllib.parse import unquote, urlsplit

import requests
from urllib3.exceptions import HTTPError, LocationValueError, ProtocolError
from urllib3.exceptions import TimeoutError as TimeoutError_

from mms.archive.json_file import brief
from mms.archive.limits import DownloadLimits
from mms.archive.location import Location
from mms.archive.sources.connections import watched_session
from mms.archive.sources.content_encoding import Undecodable, decoded
from mms.archive.sources.download import (
    CHUNK_BYTES,
    CONNECT_TIMEOUT_S,
    READ_TIMEOUT_S,
    Interrupted,
    check_length,
    file_in,
    save,
    with_retries,
)
from mms.archive.sources.pace import Pace
from mms.archive.sources.source import Source
from mms.errors import FetchError

_STATUS_HINTS = {
    401: 'it asks for credentials',
    403: 'access is denied',
    404: 'there is no such file',
    410: 'the file is gone',
    429: 'too many requests',
}
_RETRIED_STATUSES = frozenset({500, 502, 503, 504})


class WebSource(Source):
    """Files of web servers."""

    def fetch(self, location: Location, into: str, progress: bool, limits: DownloadLimits) -> str:
        """Download the file into the folder `into` and return its path.

        Raises
        ------
        FetchError
            No host, no connection, no file, no room, or a body that broke off, after
            retries where they may help; or it takes too long, or is too large. Messages hold
            neither credentials nor query.
        """
        path = file_in(into, remote_path(location))
        pace = Pace(location.redacted, limits.seconds)
        with pace.kept():
            return with_retries(
                lambda: _attempt(location, path, progress, limits, pace), pace)


def remote_path(location: Location) -> str:
    """The percent-decoded path of a URL; query and fragment play no part.

    Raises
    ------
    FetchError
        It is no URL.
    """
    try:
        return unquote(urlsplit(location.text).path)
    except ValueError as exc:
        raise FetchError(f'{location} is not a valid URL') from exc


def _attempt(
    location: Location, path: str, progress: bool, limits: DownloadLimits, pace: Pace
) -> str:
    shown = location.redacted
    with watched_session(pace) as session, _get(session, location.text, shown, pace) as response:
        _check_way(response, shown)
        _check_status(response, shown)
        total = _content_length(response)
        save(_chunks(response, total, shown, pace), path, total, shown, progress, limits)
    return path


def _get(session: requests.Session, url: str, shown: str, pace: Pace) -> requests.Response:
    try:
        # identity: Content-Length then counts the bytes that are written.
        return session.get(url, stream=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                           headers={'Accept-Encoding': 'identity'})
    except (requests.RequestException, LocationValueError, OSError, ValueError) as exc:
        pace.check()
        raise _translated(exc, shown) from exc


def _check_way(response: requests.Response, shown: str) -> None:
    """Refuse redirects that lead from https to http: somebody on the way may exchange the file."""
    way = ' '.join(urlsplit(one.url).scheme.lower() for one in (*response.history, response))
    if 'https http ' in f'{way} ':
        raise FetchError(f'{shown}: it is redirected from https to http')


def _check_status(response: requests.Response, shown: str) -> None:
    status = response.status_code
    if status == 200:
        return
    hint = brief(_STATUS_HINTS.get(status) or response.reason or 'unexpected answer')
    kind = Interrupted if status in _RETRIED_STATUSES else FetchError
    raise kind(f'{shown}: the server answered {status} ({hint})')


def _content_length(response: requests.Response) -> Optional[int]:
    length = response.headers.get('Content-Length', '')
    encoded = response.headers.get('Content-Encoding', 'identity') != 'identity'
    return int(length) if length.isascii() and length.isdigit() and not encoded else None


def _chunks(
    response: requests.Response, total: Optional[int], shown: str, pace: Pace
) -> Iterator[bytes]:
    received = 0
    try:
        for chunk in decoded(_raw(response, pace), response.headers.get('Content-Encoding', '')):
            received += len(chunk)
            yield chunk
    except Undecodable as exc:
        raise FetchError(f'{shown}: {exc}') from exc
    except (requests.RequestException, HTTPError, OSError) as exc:
        pace.check()
        raise _translated(exc, shown) from exc
    pace.check()
    check_length(received, total, shown)


def _raw(response: requests.Response, pace: Pace) -> Iterator[bytes]:
    """The body as it comes."""
    for data in response.raw.stream(CHUNK_BYTES, decode_content=False):
        pace.count(len(data))
        yield data


def _translated(exc: BaseException, shown: str) -> FetchError:
    causes = list(_causes(exc))

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if has(requests.exceptions.SSLError, ssl.SSLError):
        return FetchError(f'{shown}: the TLS connection failed: {_tls_reason(causes)}')
    if has(socket.gaierror):
        return Interrupted(f'{shown}: the host name cannot be resolved (DNS)')
    if has(ConnectionRefusedError):
        return Interrupted(f'{shown}: the connection was refused')
    if has(requests.Timeout, TimeoutError_, socket.timeout, TimeoutError):
        return Interrupted(f'{shown}: timed out')
    if has(requests.exceptions.ProxyError):
        return Interrupted(f'{shown}: the proxy cannot be reached')
    if has(requests.TooManyRedirects):
        return FetchError(f'{shown}: too many redirects')
    if has(requests.ConnectionError, requests.exceptions.ChunkedEncodingError, ConnectionError,
           ProtocolError):
        return Interrupted(f'{shown}: the connection broke off')
    if has(ValueError):
        return FetchError(f'{shown} is not a URL that can be fetched')
    return FetchError(f'{shown}: the download failed ({type(exc).__name__})')


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """`exc` and every exception it wraps: requests and urllib3 nest them four ways."""
    waiting, seen = [exc], set()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = (current.__cause__, current.__context__, getattr(current, 'reason', None),
                 *current.args)
        waiting.extend(item for item in inner if isinstance(item, BaseException))


def _tls_reason(causes: list[BaseException]) -> str:
    for cause in causes:
        message = getattr(cause, 'verify_message', '') or (
            isinstance(cause, ssl.SSLError) and cause.reason)
        if message:
            return str(message).replace('_', ' ').lower()
    return 'handshake failure'
