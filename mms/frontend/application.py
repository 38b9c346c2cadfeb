"""The WSGI application: each request goes through the middleware to its route."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Callable, NoReturn

from werkzeug.exceptions import MethodNotAllowed, NotFound

from mms.frontend.exchange import HTTPRequest, HTTPResponse, status_line
from mms.frontend.middleware import Chain, Middleware
from mms.frontend.routing import Table
from mms.ipc.messages import Body


class Application:
    """Answers WSGI requests.

    Parameters
    ----------
    table
        Its routes.
    middleware
        What is done for every request, from the outside in.
    """

    def __init__(self, table: Table, middleware: Sequence[Middleware]) -> None:
        self._find = table.find
        self._chain = Chain(middleware)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> \
            Iterable[Body]:
        """Answer one request."""
        response = self.answer(environ)
        start_response(status_line(response.status), response.headers)
        return () if environ['REQUEST_METHOD'] == 'HEAD' else response.body

    def answer(self, environ: dict[str, Any]) -> HTTPResponse:
        """The response to a request."""
        request = HTTPRequest(environ, self._find)
        return self._chain.answer(request, request.route.handle if request.route else _refuse)

    def fail(self, environ: dict[str, Any], error: Exception) -> HTTPResponse:
        """The response to a request that failed elsewhere."""
        def raise_it(request: HTTPRequest) -> NoReturn:
            raise error

        return self._chain.answer(HTTPRequest(environ, self._find), raise_it)


def _refuse(request: HTTPRequest) -> NoReturn:
    if request.allowed:
        raise MethodNotAllowed(valid_methods=request.allowed)
    raise NotFound
