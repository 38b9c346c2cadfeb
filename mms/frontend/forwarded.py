"""What proxies in front of the server say of a request: who sent it, how, and to which name."""

from __future__ import annotations

import re
from typing import Any

from mms.config.trusted_proxies import TrustedProxies

NOBODY = TrustedProxies()

# In the environment of a request that a trusted proxy has passed on.
FORWARDED = 'mms.forwarded'

# In the same place: what the connection itself says of the host.
SENT_HOST = 'mms.sent_host'

_FOR, _PROTO, _HOST = 'HTTP_X_FORWARDED_FOR', 'HTTP_X_FORWARDED_PROTO', 'HTTP_X_FORWARDED_HOST'
# Some proxies write a name in the place of an address that they keep to themselves (RFC 7239, 6).
_CLIENT = re.compile(r'[0-9A-Za-z_.:%-]{1,64}')
_AUTHORITY = re.compile(r'[0-9A-Za-z_.:\[\]-]{1,255}')
_SCHEMES = ('http', 'https')


def is_forwarded(environ: dict[str, Any]) -> bool:
    """Whether anybody says that the request was passed on."""
    return _FOR in environ or _PROTO in environ or _HOST in environ


def believe(environ: dict[str, Any], proxies: TrustedProxies) -> None:
    """Put what a trusted proxy says into the environment of a request, in the place of what the
    connection says; what anybody else says, or what makes no sense, changes nothing.

    Parameters
    ----------
    environ
        The WSGI environment; ``REMOTE_ADDR``, ``wsgi.url_scheme`` and ``HTTP_HOST`` change.
    proxies
        Those that are trusted.
    """
    peer = environ.get('REMOTE_ADDR', '')
    if not proxies.trusts(peer):
        return
    environ[FORWARDED] = True
    environ[SENT_HOST] = environ.get('HTTP_HOST', '')
    client = proxies.client(peer, environ.get(_FOR, ''))
    if _CLIENT.fullmatch(client):
        environ['REMOTE_ADDR'] = client
    # Of several, the one that the nearest proxy has written.
    scheme = _last(environ.get(_PROTO, '')).lower()
    if scheme in _SCHEMES:
        environ['wsgi.url_scheme'] = scheme
    host = _last(environ.get(_HOST, ''))
    if _AUTHORITY.fullmatch(host):
        environ['HTTP_HOST'] = host


def _last(values: str) -> str:
    return values.rpartition(',')[2].strip()
