"""The WSGI application: each request goes through the middleware to its route."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Callable, NoReturn

from werkzeug.exceptions import MethodNotAllowed, NotFound

from mms.frontend.chain import Chain, Middleware
from mms.frontend.exchange import HTTPRequest, HTTPResponse, status_line
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

    Attributes
    ----------
    table, chain
        The routes, and the middleware around them.
    """

    def __init__(self, table: Table, middleware: Sequence[Middleware]) -> None:
        self.table = table
        self.chain = Chain(middleware)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> \
            Iterable[Body]:
        """Answer one request."""
        request = HTTPRequest(environ, self.table.find)
        response = self.chain.answer(request, handler_of(request))
        start_response(status_line(response.status), response.headers)
        return () if environ['REQUEST_METHOD'] == 'HEAD' else response.body


def handler_of(request: HTTPRequest) -> Callable[[HTTPRequest], HTTPResponse]:
    """What answers a request; where there is nothing, what says so."""
    return request.route.handle if request.route else _refuse


def _refuse(request: HTTPRequest) -> NoReturn:
    if request.allowed:
        raise MethodNotAllowed(valid_methods=request.allowed)
    raise NotFound
