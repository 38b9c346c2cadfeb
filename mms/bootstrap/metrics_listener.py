"""``--metrics-port``: a port of its own for who scrapes, also while models load."""

from __future__ import annotations

import logging
import re
from typing import Optional

from mms.bootstrap.listeners import Listeners
from mms.bootstrap.parts import Parts
from mms.config.cors_origins import NO_ORIGIN
from mms.config.settings import Settings
from mms.errors import AddressError
from mms.frontend.access.control import Access
from mms.frontend.access.scopes import METRICS as SCOPES
from mms.frontend.address import host_and_port
from mms.frontend.api.health import health_routes
from mms.frontend.api.metrics import metrics_routes
from mms.frontend.application import Application
from mms.frontend.middleware import Errors, GiveWay, Logging, RequestIds
from mms.frontend.routing import Table

logger = logging.getLogger(__name__)

METRICS = 'metrics'
_ENDPOINTS = ('this port has GET /metrics, /health/live, /health/ready and /health/startup; models '
              'are asked on another.')
# In messages that are of the other port otherwise.
_FLAG = re.compile(r'--(port|host)\b')


def bind_metrics(listeners: Listeners, settings: Settings) -> Optional[int]:
    """Take the port, where one is wanted; its number.

    Raises
    ------
    AddressError
    """
    if settings.metrics_port is None and not listeners.is_passed(METRICS):
        return None
    said = settings.said('metrics_host' if settings.metrics_host else 'host')
    try:
        return listeners.bind(METRICS, metrics_host(settings), settings.metrics_port or 0, said)
    except AddressError as error:
        raise AddressError(_FLAG.sub(r'--metrics-\1', str(error))) from error


def listen_metrics(parts: Parts, listeners: Listeners, port: Optional[int]) -> None:
    """Answer there from now on, where one is wanted.

    Raises
    ------
    AddressError
    """
    if port is None:
        return
    table = Table([*metrics_routes(parts.exposition),
                   *health_routes(parts.health, parts.access.sees_all)], ())
    listeners.listen(METRICS, Application(table, [
        RequestIds(), Logging(parts.access_log), Errors(_ENDPOINTS),
        *Access(parts.access.tokens, NO_ORIGIN, parts.server_metrics.refusals).control(SCOPES),
        GiveWay()],
        parts.settings.forwarded_allow_ips))
    address = host_and_port(metrics_host(parts.settings), port)
    logger.info('Service metrics endpoint: %s/metrics', address)


def metrics_host(settings: Settings) -> str:
    """Where it listens."""
    return settings.metrics_host or settings.host
