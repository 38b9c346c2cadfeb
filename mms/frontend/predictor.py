"""One prediction, from a WSGI environment to the text of its answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable, Optional, Protocol

from mms.frontend.http.body import read_body
from mms.ipc.messages import Body, Reply, Request
from mms.runtime.byte_budget import Pieces, Room

logger = logging.getLogger(__name__)


class Models(Protocol):
    """What the routes need of the models behind them."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the endpoints."""

    def signature(self, name: str) -> Mapping[str, Any]:
        """Live signature of a model."""

    def submit(self, name: str, request: Request, client_left: Callable[[], bool]) -> Reply:
        """Answer one request, unless its client has left before it is its turn."""

    def ill_health(self) -> Mapping[str, str]:
        """Name of each model that cannot answer -> why."""


class Counts(Protocol):
    """What the routes need of the metrics; nothing here raises."""

    def count(self, name: str, model: Optional[str] = None) -> None:
        """Add one to a count."""

    def observe_stages(self, stage_times_ms: Mapping[str, float], model: str) -> None:
        """Record the latencies of one prediction."""


class Answer:
    """The JSON text that answers a request; it can be read once.

    Parameters
    ----------
    reply
        Its prediction is forgotten piece by piece.
    """

    _HEAD, _TAIL = b'{"prediction":', b'}\n'

    def __init__(self, reply: Reply) -> None:
        self._prediction = reply.content
        self.size = len(self._HEAD) + len(reply.content) + len(self._TAIL)

    def __iter__(self) -> Iterator[Body]:
        yield self._HEAD
        if isinstance(self._prediction, Pieces):
            yield from self._prediction.consume()
        else:
            yield self._prediction
        yield self._TAIL


class Predictor:
    """Hands requests to the models, and counts them.

    Parameters
    ----------
    models
        The models, loaded.
    metrics
        Where requests are counted.
    max_request_bytes
        A larger body is refused.
    room
        Where the bodies count that are held.
    """

    def __init__(self, models: Models, metrics: Counts, max_request_bytes: int,
                 room: Room) -> None:
        self.models = models
        self.metrics = metrics
        self._max_request_bytes = max_request_bytes
        self._room = room

    def predict(self, name: str, environ: dict[str, Any]) -> Answer:
        """JSON text that answers a request.

        Parameters
        ----------
        name
            Endpoint name of the model.
        environ
            WSGI environment of the request.

        Raises
        ------
        RequestError, ClientDisconnected
        """
        started = time.monotonic()
        self.metrics.count('PredictionTotal', model=name)
        request = Request(environ.get('CONTENT_TYPE', ''),
                          read_body(environ, self._max_request_bytes, self._room))
        reply = self.models.submit(name, request, environ.get('mms.client_left', _never))
        self.metrics.observe_stages(reply.stage_times_ms, model=name)
        logger.debug('Prediction request handling time is: %s ms',
                     (time.monotonic() - started) * 1000)
        return Answer(reply)


def _never() -> bool:
    """Another server than this package's does not say whether a client has left."""
    return False
