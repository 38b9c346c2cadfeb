"""Where a server is, and what a connection to it needs."""

from __future__ import annotations

import ssl
from typing import NamedTuple, Optional, Union

import httpx

from mms.client.management_address import ManagementAddress, read_address
from mms.client.management_tls import TLSFlags, client_context, refuse_for_plain
from mms.client.predictions.errors import WrongUse
from mms.client.token_file import TOKEN
from mms.errors import UsageError

DEFAULT_URL = 'http://127.0.0.1:8080'
_UNIX = 'unix:'
_WANTED = 'a server: it is http://HOST:PORT, https://HOST:PORT or unix:PATH'
# Whose name a request over a Unix socket has.
_LOCALHOST = 'http://localhost'


class ServerAddress(NamedTuple):
    """Where a server is.

    Attributes
    ----------
    url
        Before the paths of requests.
    socket
        The file of its Unix socket; None where it has a port.
    given
        For messages.
    tls
        What to trust and to show; None without TLS.
    dashes
        What stands before the names of its files in messages.
    """

    url: str
    socket: Optional[str]
    given: ManagementAddress
    tls: Optional[ssl.SSLContext]
    dashes: str = ''

    @property
    def shown(self) -> str:
        """The address as it was given."""
        return self.given.shown

    @property
    def verify(self) -> Union[ssl.SSLContext, bool]:
        """As HTTPX takes it; without TLS nothing is read from the disk."""
        return self.tls or False


def server_address(text: str, files: TLSFlags, dashes: str = '') -> ServerAddress:
    """The server that `text` gives: a URL, ``HOST:PORT`` or ``unix:PATH``.

    Parameters
    ----------
    files
        For TLS.
    dashes
        What stands before their names in messages.

    Raises
    ------
    WrongUse
        It gives none, or one of the files cannot be used.
    """
    try:
        socket = text[len(_UNIX):] if text.startswith(_UNIX) else None
        given = (read_address(text, _WANTED) if socket is None
                 else ManagementAddress(text, False, 'localhost', 0, ''))
        if not given.is_tls:
            refuse_for_plain(files, given, dashes)
        tls = client_context(files, dashes) if given.is_tls else None
    except UsageError as error:
        raise WrongUse(str(error)) from error
    url = given.shown if socket is None else _LOCALHOST
    _check_url(url)
    return ServerAddress(url, socket, given, tls, dashes)


def _check_url(url: str) -> None:
    """See that HTTPX takes it, and that its host can be looked up, a label of it not empty or long:
    each request would fail otherwise.
    """
    try:
        httpx.URL(url).host.encode('idna')
    except (httpx.InvalidURL, UnicodeError) as error:
        raise WrongUse(f'{url!r} is no address of {_WANTED} ({error})') from error


def checked_token(token: str) -> str:
    """A token that can be sent in a header.

    Raises
    ------
    WrongUse
        It is none; the message does not show it.
    """
    if not TOKEN.fullmatch(token):
        raise WrongUse('the token is none: those are letters, digits and any of -._~+/')
    return token
