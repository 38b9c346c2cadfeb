"""How many requests each client makes, of all fronts together: the server counts them."""

from __future__ import annotations

from mms.errors import ModelUnavailable
from mms.fronts.link import Link, LinkClosed


class RemoteBuckets:
    """Asks the server; see :class:`mms.frontend.rate_limiting.TokenBuckets`.

    Parameters
    ----------
    link
        To the server.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    def take(self, client: str, count: int = 1) -> float:
        """Count requests of a client; 0 where it may make them, else seconds until it may."""
        try:
            return float(self._link.call('take', client, count))
        except LinkClosed:
            raise ModelUnavailable('The server ends.') from None
