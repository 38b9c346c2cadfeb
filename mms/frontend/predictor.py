"""One prediction, from an HTTP request to the reply of a worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Optional, Protocol

from mms.frontend.exchange import HTTPRequest
from mms.frontend.http.body import read_body
from mms.frontend.http.inflating import inflated
from mms.ipc.request import NO_HEADERS, Headers, Reply, Request
from mms.runtime.byte_budget import ByteBudget
from mms.serving.caller import Caller

logger = logging.getLogger(__name__)


class Models(Protocol):
    """What the front needs of the models, which may come and go while it asks."""

    @property
    def names(self) -> Sequence[str]:
        """Names of those that are served now, in order."""

    @property
    def revision(self) -> int:
        """Changes whenever a model is added, replaced or removed."""

    def __contains__(self, name: object) -> bool:
        """Whether a model of this name is served now."""

    @property
    def unloaded(self) -> Sequence[str]:
        """Names of those that have no workers."""

    def signature(self, name: str) -> Mapping[str, object]:
        """Live signature of a model."""

    def submit(self, name: str, request: Request, caller: Caller) -> Reply:
        """Answer one request, unless its caller has left before it is its turn."""

    def ill_health(self) -> Mapping[str, str]:
        """Name of each model that cannot answer -> why."""


class RequestCounts(Protocol):
    """What the front needs of the metrics; nothing here raises."""

    def count(self, name: str, model: Optional[str] = None) -> None:
        """Add one to a count."""

    def observe(self, name: str, value: float, model: Optional[str] = None) -> None:
        """Record a value, in the metric's unit."""

    def observe_stages(self, stage_times_ms: Mapping[str, float], model: str) -> None:
        """Record the latencies of one prediction."""


class Predictor:
    """Hands requests to the models.

    Parameters
    ----------
    models
        The models, loaded.
    metrics
        Where latencies are recorded.
    max_request_bytes
        A larger body is refused.
    budget
        Where the bodies count that are held.

    Attributes
    ----------
    models, metrics, budget
        As given.
    """

    def __init__(self, models: Models, metrics: RequestCounts, max_request_bytes: int,
                 budget: ByteBudget) -> None:
        self.models = models
        self.metrics = metrics
        self._max_request_bytes = max_request_bytes
        self.budget = budget

    def predict(self, protocol: str, name: str, request: HTTPRequest,
                headers: Headers = NO_HEADERS, inflates: bool = False) -> Reply:
        """What a model answers.

        Parameters
        ----------
        protocol
            Name of the codec that is to read the request's body.
        name
            Endpoint name of the model.
        headers
            What the protocol reads of the request's other headers.
        inflates
            Whether its clients may compress the body.

        Raises
        ------
        RequestError, ClientDisconnected
        """
        environ = request.environ
        body = read_body(environ, self._max_request_bytes, self.budget)
        if inflates:
            body = inflated(body, environ, self._max_request_bytes, self.budget)
        asked = Request(protocol, environ.get('CONTENT_TYPE', ''), body, request.context, headers)
        reply = self.models.submit(name, asked, request.caller)
        request.caller.answered_in(reply.stage_times_ms)
        self.metrics.observe_stages(reply.stage_times_ms, model=name)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug('Prediction request handling time is: %s ms (request %s)',
                         (time.monotonic() - request.context.arrived_s) * 1000,
                         request.context.request_id)
        return reply
