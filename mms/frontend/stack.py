"""The middleware of a server of models, from the outside in."""

from __future__ import annotations

from typing import Optional

from mms.config.cors_origins import Origins
from mms.frontend.access.control import Access
from mms.frontend.access_log import AccessLog
from mms.frontend.chain import Middleware
from mms.frontend.measuring import Measuring
from mms.frontend.middleware import standard_middleware
from mms.frontend.predictor import RequestCounts
from mms.frontend.rate_limiting import RateLimiting
from mms.metrics.server_metrics import ServerMetrics


def stack(counts: RequestCounts, server_metrics: ServerMetrics, access_log: AccessLog,
          origins: Origins, access: Access, limiting: Optional[RateLimiting],
          *more: Middleware) -> list[Middleware]:
    """All of it.

    Parameters
    ----------
    counts, server_metrics
        Where answers are counted.
    access_log
        Where each leaves a line.
    origins
        Pages of these may ask.
    access
        Who may ask.
    limiting
        How often; None for as often as they like.
    more
        What is within all other.
    """
    return [*([limiting] if limiting else []),
            *standard_middleware(counts, access_log, origins, access.control()),
            Measuring(server_metrics), *more]
