"""Which addresses are one client, as far as limits go."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address

# What one subscriber has of IPv6 at the least: to count each address would be no limit.
_SHIFT = 64


@lru_cache(maxsize=4096)
def client_key(address: str) -> str:
    """The address of a client, or its /64 where it is one of IPv6."""
    if ':' not in address:
        return address
    try:
        found = IPv6Address(address.partition('%')[0])
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f'{IPv6Address(int(found) >> _SHIFT << _SHIFT)}/64'
