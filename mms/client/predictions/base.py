"""What both clients are made of."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import Any, Callable, Optional, TypeVar, Union

import httpx

from mms.client.management_tls import TLSFlags
from mms.client.predictions.address import DEFAULT_URL, checked_token, server_address
from mms.client.predictions.conversation import Conversation
from mms.client.predictions.errors import WrongUse
from mms.client.predictions.limits import Retries, Timeouts

# The server ends a connection that rests for 75 s: a request on one that is about to end is lost.
_KEPT_S = 30.0
CONNECTIONS = 32
PARALLEL = 8
# Results that may wait for a slow one before them, for each request that runs.
AHEAD = 4
RAISE, RETURN = 'raise', 'return'

Path = Union[str, 'os.PathLike[str]']
H = TypeVar('H')


class BaseClient(ABC):
    """A server, and how to ask it; the parameters are those of ``Client``.

    A subclass says how it connects.
    """

    # Before the names of files in messages.
    dashes = ''

    def __init__(self, url: str = DEFAULT_URL, *, token: Optional[str] = None,
                 timeout: Union[float, Timeouts, None] = None,
                 retries: Union[int, Retries, None] = None, ca: Optional[Path] = None,
                 cert: Optional[Path] = None, key: Optional[Path] = None,
                 connections: int = CONNECTIONS) -> None:
        self._address = server_address(url, TLSFlags(*map(_text, (ca, cert, key))),
                                       self.dashes)
        self._connections = whole(connections, 'connections')
        timeouts = timeout if isinstance(timeout, Timeouts) else Timeouts(total_s=timeout)
        if retries is None:
            retries = Retries()
        self._conversation = Conversation(
            self._address, None if token is None else checked_token(token), timeouts,
            retries if isinstance(retries, Retries) else Retries(retries))
        self._connect()

    def __repr__(self) -> str:
        return f'<{type(self).__name__} {self._address.shown}>'

    @abstractmethod
    def _connect(self) -> None:
        """Make the pool of connections."""

    def _made(self, kind: Callable[..., H], transport: Any, connections: int) -> H:
        """A client of HTTPX with so many; `transport` is its class for a socket."""
        try:
            return kind(**self._options(transport, connections))
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            # Of what it is given, the environment alone has not been looked at.
            raise WrongUse(f'the proxy that the environment names cannot be used: {error}'
                           ) from error

    def _options(self, transport: Any, connections: int) -> dict[str, Any]:
        limits = httpx.Limits(max_connections=connections, keepalive_expiry=_KEPT_S,
                              max_keepalive_connections=connections)
        if self._address.socket is not None:
            return {'transport': transport(uds=self._address.socket, limits=limits, verify=False)}
        return {'verify': self._address.verify, 'limits': limits}


def whole(number: int, name: str) -> int:
    """`number`, which has to be a whole one of 1 or more."""
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise WrongUse(f'{name}={number!r} is no whole number of 1 or more')
    return number


def returns_errors(errors: str) -> bool:
    """Whether errors are to be among the results; they are raised otherwise."""
    if errors not in (RAISE, RETURN):
        raise WrongUse(f'errors={errors!r} is neither {RAISE!r} nor {RETURN!r}')
    return errors == RETURN


def _text(path: Optional[Path]) -> Optional[str]:
    return None if path is None else os.fspath(path)
