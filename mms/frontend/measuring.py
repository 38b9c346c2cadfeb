"""Each answer is counted for Prometheus, with the time that it took."""

from __future__ import annotations

import time
from collections.abc import Mapping

from werkzeug.exceptions import ClientDisconnected

from mms.errors import (
    BuffersFull,
    ClientLeft,
    DeadlineExceeded,
    ModelUnavailable,
    PayloadTooLarge,
    QueueFull,
)
from mms.frontend.chain import Middleware
from mms.frontend.exchange import HTTPRequest, HTTPResponse
from mms.metrics.model_tally import Exchange
from mms.metrics.server_metrics import NO_MODEL, ServerMetrics

# Class of an error -> why the request was refused, in mms.metrics.model_tally.REFUSALS.
_REASONS: Mapping[type[Exception], str] = {
    QueueFull: 'queue_full', DeadlineExceeded: 'deadline', ClientLeft: 'client_left',
    ClientDisconnected: 'client_left', BuffersFull: 'buffers_full', PayloadTooLarge: 'too_large',
    ModelUnavailable: 'unavailable',
}


class Measuring(Middleware):
    """Counts every answer, and why a model's request was refused.

    Within the middleware that makes answers of errors: it sees the errors themselves.

    Parameters
    ----------
    metrics
        Where they are counted.
    """

    def __init__(self, metrics: ServerMetrics) -> None:
        self._metrics = metrics

    def error(self, request: HTTPRequest, error: Exception) -> None:
        """Count a refusal."""
        reason = _REASONS.get(type(error))
        if reason is not None and request.model is not None:
            self._metrics.refused(request.model, reason)

    def after(self, request: HTTPRequest, response: HTTPResponse) -> None:
        """Count an answer."""
        took_s = time.monotonic() - request.context.arrived_s
        model, route, caller = request.model, request.route, request.caller
        if model is None or route is None or not route.protocol:
            self._metrics.answered(NO_MODEL, Exchange('', response.status, took_s))
            return
        self._metrics.answered(model, Exchange(
            route.protocol, response.status, took_s, caller.queue_s, caller.stage_times_ms))
