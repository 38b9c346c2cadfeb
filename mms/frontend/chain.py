"""Hooks around the routes, and the chain that calls them for each request."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Callable, Optional

from mms.frontend.errors import failed_itself
from mms.frontend.exchange import HTTPRequest, HTTPResponse

logger = logging.getLogger(__name__)


class Middleware:
    """Hooks around the routes; each does nothing unless it is overridden."""

    def before(self, request: HTTPRequest) -> Optional[HTTPResponse]:
        """Called before the route; what it returns or raises is answered in its place."""

    def after(self, request: HTTPRequest, response: HTTPResponse) -> None:
        """Called with each response, those to errors included; it may add headers."""

    def error(self, request: HTTPRequest, error: Exception) -> Optional[HTTPResponse]:
        """The response to what a route or a hook has raised; None to leave it to the next one."""


class Chain:
    """A route with middleware around it.

    Parameters
    ----------
    middleware
        From the outside in: `before` is called in this order, `error` and `after` from the inside
        out.
    """

    def __init__(self, middleware: Sequence[Middleware]) -> None:
        outward = list(reversed(middleware))
        self._before = _hooks(middleware, 'before')
        self._after = _hooks(outward, 'after')
        self._error = _hooks(outward, 'error')

    def answer(self, request: HTTPRequest,
               handle: Callable[[HTTPRequest], HTTPResponse]) -> HTTPResponse:
        """The response of `handle`, or to whatever is raised on the way."""
        try:
            response = self.enter(request, handle)
        except Exception as error:
            response = self.failed(request, error)
        return self.leave(request, response)

    def enter(self, request: HTTPRequest,
              handle: Callable[[HTTPRequest], HTTPResponse]) -> HTTPResponse:
        """The response of `handle`, behind the `before` of all middleware."""
        for before in self._before:
            response: Optional[HTTPResponse] = before(request)
            if response is not None:
                return response
        return handle(request)

    def failed(self, request: HTTPRequest, error: Exception) -> HTTPResponse:
        """The response to what was raised."""
        logger.debug('Request %s failed: %s', request.context.request_id, type(error).__name__)
        try:
            response = self._known(request, error) or failed_itself(request, error)
        except Exception as worse:
            response = failed_itself(request, worse)
            worse.__traceback__ = worse.__context__ = None
        # Its frames have it in their variables: the request's body would stay until Python
        # collects its garbage.
        error.__traceback__ = error.__context__ = None
        return response

    def leave(self, request: HTTPRequest, response: HTTPResponse) -> HTTPResponse:
        """The response once the `after` of all middleware has seen it."""
        for after in self._after:
            try:
                after(request, response)
            except Exception as error:
                response = self.failed(request, error)
        return response

    def _known(self, request: HTTPRequest, error: Exception) -> Optional[HTTPResponse]:
        for hook in self._error:
            response: Optional[HTTPResponse] = hook(request, error)
            if response is not None:
                return response
        return None


def _hooks(middleware: Sequence[Middleware], name: str) -> list[Callable[..., Any]]:
    """Those that are overridden."""
    return [getattr(each, name) for each in middleware
            if getattr(type(each), name) is not getattr(Middleware, name)]
