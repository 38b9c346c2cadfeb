"""What one client may take of a server."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from mms.config.trusted_proxies import TrustedProxies
from mms.frontend.forwarded import NOBODY

# Of a head and the trailers of its body together: many times what a browser with all its cookies
# sends.
HEAD_BYTES = 64 * 1024
HEADER_LINES = 100


@dataclass(frozen=True)
class Limits:
    """Of the connections of one port.

    Attributes
    ----------
    connections
        Most that are open at a time.
    connections_per_client
        The same of one address, or one /64 of IPv6; 0 for any number.
    exempt
        Proxies, behind which many clients are: `connections_per_client` is not for them.
    head_bytes
        Largest head of a request, with the trailers of its body.
    header_lines
        Most lines that it has.
    least_rate
        Bytes a second that a body has to come with, and an answer has to be taken with; 0 for any.
    rate_window_s
        Over how long that is averaged.
    """

    connections: int = sys.maxsize
    connections_per_client: int = 0
    exempt: TrustedProxies = NOBODY
    head_bytes: int = HEAD_BYTES
    header_lines: int = HEADER_LINES
    least_rate: int = 0
    rate_window_s: float = 30.0

    def of_one_connection(self) -> Limits:
        """The same where somebody else counts the connections."""
        return replace(self, connections=sys.maxsize, connections_per_client=0)


UNLIMITED = Limits()
