"""Speaks to the management port of a running server: the interface of MMS 1.x, and ours on top.

Of the standard library alone, so that a command starts at once.
"""

from __future__ import annotations

import http.client
import json
import select
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Optional, Union
from urllib.parse import quote, urlencode

from mms.client.management_address import ManagementAddress
from mms.client.management_tls import TLSFlags, client_context, failure, refuse_for_plain
from mms.errors import MMSError

CONNECT_S = 10.0
# To describe a model takes as long as its processes take to tell their memory.
ANSWER_S = 60.0
_PAGE = 100
_MODEL_NOT_FOUND = 'ModelNotFoundException'
# More than thousands of models with their workers.
_MOST_ANSWER_BYTES = 64 * 2**20
# A message is one line on a terminal.
_LONGEST_TEXT = 300

Value = Union[str, int, float, bool]


class ManagementError(MMSError):
    """A management port cannot be reached, or has refused."""


class Unreachable(ManagementError):
    """Nothing answers there, or what answers is no management port."""


class Refused(ManagementError):
    """The server has answered that it will not.

    Attributes
    ----------
    status
        Of HTTP.
    type
        The server's name of the error, as ``ModelNotFoundException``.
    """

    def __init__(self, message: str, status: int, type_: str = '') -> None:
        super().__init__(message)
        self.status, self.type = status, type_


class Answer(NamedTuple):
    """What the server has answered.

    Attributes
    ----------
    status
        Of HTTP, below 300.
    content
        The JSON of its body.
    """

    status: int
    content: dict[str, Any]


class ManagementClient:
    """One management port; its connection is kept from call to call, unless the server ends it.

    Parameters
    ----------
    address
        Where it is.
    token
        What it asks for; None for nothing.
    tls
        Files for TLS, where the address asks for it.

    Raises
    ------
    UsageError
        One of them cannot be used.
    """

    def __init__(self, address: ManagementAddress, token: Optional[str] = None,
                 tls: Optional[TLSFlags] = None) -> None:
        self.address = address
        self._headers = {'Accept': 'application/json'}
        if token is not None:
            self._headers['Authorization'] = f'Bearer {token}'
        self._connection = _connection(address, tls or TLSFlags())

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()

    def names(self) -> Iterator[str]:
        """Names of all models, page by page."""
        for listed in self._listed():
            yield str(listed.get('modelName', ''))

    def describe(self, name: str) -> dict[str, Any]:
        """What the server tells of a model."""
        return self._ask('GET', _path(name)).content

    def load(self, location: str, wait: bool = True, **options: Value) -> Answer:
        """Load what is at `location` and serve it.

        Parameters
        ----------
        wait
            Whether to wait until it serves, or cannot.
        options
            ``model_name``, ``initial_workers``, ``batch_size``, ``max_batch_delay`` (ms),
            ``response_timeout`` (s) and others of ``POST /models``.

        Raises
        ------
        ManagementError
            The server refuses, or cannot be reached.
        """
        # In JSON a timeout is in seconds; in the query it would be in minutes.
        body = {'url': location, 'synchronous': _truth(wait), **options}
        return self._ask('POST', '/models', body=body, forever=wait)

    def replace(self, name: str, location: str, wait: bool = True, **options: Value) -> Answer:
        """Put what is at `location` in the place of a model that is served; as :meth:`load`."""
        body = {'url': location, 'synchronous': _truth(wait), **options}
        return self._ask('PUT', _path(name), body=body, forever=wait)

    def scale(self, name: str, min_workers: int, max_workers: Optional[int] = None,
              wait: bool = True) -> Answer:
        """Have a model keep so many workers; between two numbers, where there are two."""
        query: dict[str, Value] = {'min_worker': min_workers, 'synchronous': _truth(wait)}
        if max_workers is not None:
            query['max_worker'] = max_workers
        return self._ask('PUT', _path(name), query, forever=wait)

    def unload(self, name: str) -> Answer:
        """Drain a model and forget it."""
        return self._ask('DELETE', _path(name), forever=True)

    def _listed(self) -> Iterator[dict[str, Any]]:
        query: dict[str, Value] = {'limit': _PAGE}
        while True:
            page = self._ask('GET', '/models', query).content
            models, token = page.get('models'), page.get('nextPageToken')
            if not isinstance(models, list) or not all(isinstance(one, dict) for one in models):
                raise self._no_port('GET /models without a list of models')
            yield from models
            if not token:
                return
            # Or the list would have no end.
            if not models or token == query.get('next_page_token'):
                raise self._no_port('GET /models with a page that has nothing new')
            query['next_page_token'] = str(token)

    def _ask(self, method: str, path: str, query: Optional[Mapping[str, Value]] = None,
             body: Optional[Mapping[str, Value]] = None, forever: bool = False) -> Answer:
        target = self.address.prefix + path + (f'?{urlencode(query)}' if query else '')
        status, raw = self._exchange(method, target, body, forever)
        content = _parsed(raw)
        if status >= http.client.MULTIPLE_CHOICES:
            raise self._refusal(status, content, raw)
        if content is None:
            raise self._no_port(f'{method} {path} with what is no JSON')
        return Answer(status, content)

    def _exchange(self, method: str, target: str, body: Optional[Mapping[str, Value]],
                  forever: bool) -> tuple[int, bytes]:
        headers = dict(self._headers)
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers['Content-Type'] = 'application/json'
        try:
            if self._connection.sock is not None and _is_over(self._connection.sock):
                self._connection.close()
            if self._connection.sock is None:
                self._connection.connect()
            _wait_at_most(self._connection, None if forever else ANSWER_S)
            self._connection.request(method, target, content, headers)
            answer = self._connection.getresponse()
            status, raw = answer.status, answer.read(_MOST_ANSWER_BYTES + 1)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            self._connection.close()
            raise Unreachable(_told(self.address, error)) from error
        if len(raw) > _MOST_ANSWER_BYTES:
            self._connection.close()
            raise self._no_port(f'{method} with more than {_MOST_ANSWER_BYTES // 2**20} MB')
        return status, raw

    def _refusal(self, status: int, content: Optional[dict[str, Any]],
                 raw: bytes) -> ManagementError:
        told = content or {}
        message = str(told.get('message') or _start_of(raw))
        type_ = str(told.get('type', ''))
        if status == http.client.NOT_FOUND and type_ != _MODEL_NOT_FOUND:
            return self._no_port(f'{status}: {message}')
        return Refused(message or f'the server answers {status}', status, type_)

    def _no_port(self, answers: str) -> Unreachable:
        return Unreachable(f'{self.address.shown} is no management port: it answers {answers}')


def _connection(address: ManagementAddress, tls: TLSFlags) -> http.client.HTTPConnection:
    if address.is_tls:
        return http.client.HTTPSConnection(address.host, address.port, timeout=CONNECT_S,
                                           context=client_context(tls))
    refuse_for_plain(tls, address)
    return http.client.HTTPConnection(address.host, address.port, timeout=CONNECT_S)


def _path(name: str) -> str:
    # A word of the command line may hold bytes that are no text.
    return f"/models/{quote(name, safe='', errors='surrogateescape')}"


def _truth(value: bool) -> str:
    # Whatever is not this word means false in MMS 1.x.
    return 'true' if value else 'false'


def _is_over(sock: socket.socket) -> bool:
    """Whether the server has ended a connection that is kept: it sends nothing unasked."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _wait_at_most(connection: http.client.HTTPConnection, seconds: Optional[float]) -> None:
    sock: socket.socket = connection.sock
    sock.settimeout(seconds)
    # Who waits without an end is told when the other machine has gone.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def _parsed(raw: bytes) -> Optional[dict[str, Any]]:
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    # Descendants of MMS describe a model in a list of one.
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    return content if isinstance(content, dict) else None


def _start_of(raw: bytes) -> str:
    return raw[:_LONGEST_TEXT].decode('utf-8', 'replace').strip()


def _told(address: ManagementAddress, error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return failure(address, error)
    reason = getattr(error, 'strerror', None) or str(error) or type(error).__name__
    if isinstance(error, ConnectionRefusedError):
        return (f'no server listens at {address.shown}: start it with --management-port '
                f'{address.port}, or give the address with --management')
    return f'no answer from {address.shown}: {reason[:1].lower()}{reason[1:]}'
