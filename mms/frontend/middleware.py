"""What is done for every request, whatever its route: before it, after it, and when it fails."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Optional

from mms.config.cors_origins import EVERY_ORIGIN, Origins
from mms.event_loop.yielding import RunQueue, yield_if_due
from mms.frontend.access_log import AccessLog
from mms.frontend.chain import Middleware
from mms.frontend.cors import cors_headers
from mms.frontend.errors import ENDPOINTS, known_error
from mms.frontend.exchange import HTTPRequest, HTTPResponse
from mms.frontend.predictor import RequestCounts


class Cors(Middleware):
    """Pages of some origins may ask.

    Parameters
    ----------
    origins
        These.
    """

    def __init__(self, origins: Origins = EVERY_ORIGIN) -> None:
        self._origins = origins

    def after(self, request: HTTPRequest, response: HTTPResponse) -> None:
        """Say so."""
        response.headers += cors_headers(request.method, request.environ, self._origins)


class RequestIds(Middleware):
    """Each answer tells by which name the log knows its request."""

    def after(self, request: HTTPRequest, response: HTTPResponse) -> None:
        """Say it."""
        response.headers.append(('X-Request-Id', request.context.request_id))


class Logging(Middleware):
    """A line of the log for each request.

    Parameters
    ----------
    access_log
        Writes it.
    """

    def __init__(self, access_log: AccessLog) -> None:
        self._access_log = access_log

    def after(self, request: HTTPRequest, response: HTTPResponse) -> None:
        """Write it."""
        self._access_log.answered(request, response.status,
                                  time.monotonic() - request.context.arrived_s)


class Counting(Middleware):
    """Counts the requests of routes with a metric, and the failures of models.

    Parameters
    ----------
    counts
        Where they are counted.
    """

    def __init__(self, counts: RequestCounts) -> None:
        self._counts = counts

    def before(self, request: HTTPRequest) -> None:
        """Count a request."""
        if request.metric:
            self._counts.count(f'{request.metric}Total', model=request.model)

    def after(self, request: HTTPRequest, response: HTTPResponse) -> None:
        """Count a failure."""
        if response.status >= 400 and request.metric and request.model is not None:
            self._counts.count(f'{request.metric}{response.status // 100}XX', model=request.model)


class Errors(Middleware):
    """The errors that have a status.

    Parameters
    ----------
    endpoints
        What there is, for who asked for what there is not.
    """

    def __init__(self, endpoints: str = ENDPOINTS) -> None:
        self._endpoints = endpoints

    def error(self, request: HTTPRequest, error: Exception) -> Optional[HTTPResponse]:
        """Their response."""
        return known_error(request, error, self._endpoints)


class GiveWay(Middleware):
    """Many may fail at once, which have waited for the same: others have their turn between.

    For servers whose requests are greenlets of one thread.
    """

    def error(self, request: HTTPRequest, error: Exception) -> None:
        """Wait, if it is time."""
        yield_if_due(RunQueue.END)


def standard_middleware(counts: RequestCounts,
                        access_log: Optional[AccessLog] = None,
                        origins: Origins = EVERY_ORIGIN,
                        access: Sequence[Middleware] = ()) -> list[Middleware]:
    """What every server of models has, from the outside in.

    Parameters
    ----------
    access
        Refuses requests before they are counted.
    """
    return [RequestIds(), Cors(origins), Logging(access_log or AccessLog()), *access,
            Counting(counts), Errors()]
