"""Whose word counts about the client of a request: addresses of proxies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Union

_Address = Union[IPv4Address, IPv6Address]
_Network = Union[IPv4Network, IPv6Network]

EVERYBODY = '*'
# The peers of a Unix socket, which have no address.
UNIX = 'unix'
# No request passes more proxies; to look at each of thousands of addresses holds up all others.
_MOST_NOTED = 100


class TrustedProxies:
    """Addresses and networks that are believed, as gunicorn and uvicorn take them.

    Parameters
    ----------
    text
        Addresses and networks with commas between them; ``*`` for everybody, ``unix`` for
        the peers of a Unix socket.

    Raises
    ------
    ValueError
        Something in it is neither.

    Attributes
    ----------
    trusts_everybody
        Whether there is nobody who is not believed.
    """

    def __init__(self, text: str = '') -> None:
        words = [word.strip() for word in text.split(',') if word.strip()]
        self.trusts_everybody = EVERYBODY in words
        self._trusts_unix = UNIX in words
        self._networks: Sequence[_Network] = [ip_network(word, strict=False) for word in words
                                              if word not in (EVERYBODY, UNIX)]
        self._text = ','.join(words)
        # There are few proxies, and each request asks.
        self.trusts = lru_cache(maxsize=1024)(self._trusts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TrustedProxies) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[type[TrustedProxies], tuple[str]]:
        return TrustedProxies, (self._text,)

    def __repr__(self) -> str:
        return f'TrustedProxies({self._text!r})'

    def client(self, peer: str, forwarded_for: str) -> str:
        """Address of the client of a request, of those that proxies have noted.

        Each proxy puts the address of its own client behind those that it was told. The last one
        that is no proxy of ours is the client; the first where all are.

        Parameters
        ----------
        peer
            Address at the other end of the connection.
        forwarded_for
            The value of ``X-Forwarded-For``.
        """
        if not self.trusts(peer):
            return peer
        if self.trusts_everybody:
            return without_port(forwarded_for.lstrip(', ').partition(',')[0]) or peer
        latest = forwarded_for.rsplit(',', _MOST_NOTED)[-_MOST_NOTED:]
        noted = [without_port(word) for word in latest if word.strip()]
        if not noted:
            return peer
        return next((each for each in reversed(noted) if not self.trusts(each)), noted[0])

    def _trusts(self, address: str) -> bool:
        if self.trusts_everybody:
            return True
        if address == UNIX:
            return self._trusts_unix
        found = _parsed(address)
        return found is not None and any(found in network for network in self._networks
                                         if network.version == found.version)


def without_port(word: str) -> str:
    """An address of ``X-Forwarded-For``, which some proxies write with a port."""
    word = word.strip()
    if word.startswith('['):
        return word[1:].partition(']')[0]
    return word.partition(':')[0] if word.count(':') == 1 else word


def _parsed(address: str) -> Union[_Address, None]:
    try:
        # fe80::1%eth0 is of the network of fe80::1.
        found = ip_address(address.partition('%')[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
