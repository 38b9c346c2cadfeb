"""Where a management port is, as a person gives it."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from mms.errors import UsageError

_MANAGEMENT_PORT = 'a management port: it is http://HOST:PORT or https://HOST:PORT'
_PORTS = {'http': 80, 'https': 443}
_LOOPBACK = re.compile(r'localhost|::1|127\.\d+\.\d+\.\d+')


class ManagementAddress(NamedTuple):
    """Where a management port is.

    Attributes
    ----------
    shown
        The address for messages.
    prefix
        What a proxy has before the paths of the port; empty where there is none.
    """

    shown: str
    is_tls: bool
    host: str
    port: int
    prefix: str

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, and cannot be on another."""
        return _LOOPBACK.fullmatch(self.host) is not None


def read_address(text: str, wanted: str = _MANAGEMENT_PORT) -> ManagementAddress:
    """The address that `text` gives: a URL, or ``HOST:PORT``; `wanted` is for messages.

    Raises
    ------
    UsageError
        It is neither.
    """
    url = text if '://' in text else f'http://{text}'
    try:
        parts = urlsplit(url)
        default = _PORTS[parts.scheme]
        port = parts.port or default
    except (ValueError, KeyError):
        raise _wrong(text, wanted) from None
    if not parts.hostname or not parts.hostname.isprintable() or ' ' in parts.hostname:
        raise _wrong(text, wanted)
    if parts.username is not None or parts.query or parts.fragment:
        raise _wrong(text, wanted)
    return ManagementAddress(url.rstrip('/'), parts.scheme == 'https', parts.hostname, port,
                             parts.path.rstrip('/'))


def _wrong(text: str, wanted: str) -> UsageError:
    # What stands before an @ may be a password.
    shown = text.rpartition('@')[2]
    return UsageError(f'{shown!r} is no address of {wanted}')
