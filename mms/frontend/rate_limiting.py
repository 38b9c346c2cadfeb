"""How many requests each client makes: those that it makes beyond a limit are refused."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from functools import partial
from typing import Optional, Protocol

from mms.config.rate_limit import RateLimit
from mms.errors import PayloadTooLarge, TooManyRequests
from mms.frontend.chain import Middleware
from mms.frontend.client_key import client_key
from mms.frontend.exchange import HTTPRequest
from mms.frontend.probes import PROBES
from mms.metrics.refusals import RATE, Refusals

# Clients that are remembered, 300 bytes each. Of more, those that have not asked for longest are
# forgotten: for them it begins anew.
_MOST_CLIENTS = 20_000


class TokenBuckets:
    """Counts the requests of clients; any thread may.

    Parameters
    ----------
    limit
        How many requests each may make.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._count = limit.requests
        self._period_s = limit.period_s
        self._lock = threading.Lock()
        # When the bucket of a client is full again.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, client: str, count: int = 1) -> float:
        """Count requests of a client; 0 where it may make them, else seconds until it may."""
        now = time.monotonic()
        token_s = self._period_s / self._count
        taken_s = token_s * count
        with self._lock:
            full_at = max(self._full_at.pop(client, now), now)
            wait_s = full_at + taken_s - now - self._period_s
            # Sums of seconds since the machine started are not exact.
            is_let = wait_s <= token_s / 1000
            self._full_at[client] = full_at + taken_s if is_let else full_at
            if len(self._full_at) > _MOST_CLIENTS:
                self._full_at.popitem(last=False)
        return 0.0 if is_let else wait_s


class Buckets(Protocol):
    """Whoever counts the requests of clients."""

    def take(self, client: str, count: int = 1) -> float:
        """Count requests of a client; 0 where it may make them, else seconds until it may."""


class RateLimiting(Middleware):
    """Refuses the requests of clients that make too many; never those for the server's health.

    Parameters
    ----------
    limit
        How many each may make.
    refusals
        Where it is counted.
    buckets
        Count the requests; None for those of this server alone.

    Attributes
    ----------
    buckets
        Those that count.
    """

    def __init__(self, limit: RateLimit, refusals: Refusals,
                 buckets: Optional[Buckets] = None) -> None:
        self.buckets: Buckets = buckets or TokenBuckets(limit)
        self._limit = limit
        self._refusals = refusals

    def before(self, request: HTTPRequest) -> None:
        """Count a request.

        Raises
        ------
        TooManyRequests
        """
        if request.path in PROBES and request.route is not None:
            return
        client = request.context.client
        wait_s = self.buckets.take(client_key(client))
        if wait_s:
            request.count_for_nobody()
            self._refusals.count(RATE, f'{client} makes more requests than --rate-limit allows.')
            raise self._too_many(wait_s)
        request.caller.is_admitted_by(partial(self.admit, client))

    def admit(self, client: str, count: int) -> None:
        """Count so many more requests that come with one of a client.

        Raises
        ------
        TooManyRequests
        PayloadTooLarge
            They are more than it may ever make at once.
        """
        if count >= self._limit.requests:
            raise PayloadTooLarge(
                f'The request has {count + 1} entries, and this client may make '
                f'{self._limit.requests} requests in {self._limit.period_s} s (--rate-limit): '
                'send it in several.')
        wait_s = self.buckets.take(client_key(client), count) if count else 0
        if wait_s:
            self._refusals.count(RATE, f'{client} makes more requests than --rate-limit allows.')
            raise self._too_many(wait_s)

    def _too_many(self, wait_s: float) -> TooManyRequests:
        return TooManyRequests(
            f'This client makes more than {self._limit.requests} requests in '
            f'{self._limit.period_s} s (--rate-limit).', math.ceil(wait_s))
