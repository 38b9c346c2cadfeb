"""What the clients of a server may take, of its settings and of what its process may have."""

from __future__ import annotations

import logging

from mms.config.settings import Settings
from mms.frontend.http.limits import Limits
from mms.runtime.resources import file_limit

logger = logging.getLogger(__name__)

# A connection takes some 30 KB: more are for who has the memory, and says so.
_MOST_CONNECTIONS = 10_000
# What a server has open beside its connections: its models, their workers, its log.
_OTHER_FILES = 200


def limits_of(settings: Settings) -> Limits:
    """Of each port."""
    return Limits(settings.max_connections or _connections(),
                  settings.max_connections_per_client, settings.forwarded_allow_ips,
                  settings.max_header_bytes, settings.max_headers, settings.min_transfer_rate)


def warn_of_limits(settings: Settings) -> None:
    """Tell of limits that do not hold."""
    most = file_limit()
    if settings.max_connections > most - _OTHER_FILES:
        logger.warning('%s %d is more than there can be: this process may open %d files.',
                       settings.said('max_connections'), settings.max_connections, most)
    if settings.max_connections_per_client and settings.forwarded_allow_ips.trusts_everybody:
        logger.warning('%s has no effect with %s *, for whom every client is a proxy.',
                       settings.said('max_connections_per_client'),
                       settings.said('forwarded_allow_ips'))


def _connections() -> int:
    return min(_MOST_CONNECTIONS, max(1, (file_limit() - _OTHER_FILES) * 3 // 4))
