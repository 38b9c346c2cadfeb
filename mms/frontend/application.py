"""The WSGI application: each request goes through the middleware to its route."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Callable, NoReturn

from werkzeug.exceptions import MethodNotAllowed, NotFound

from mms.config.trusted_proxies import TrustedProxies
from mms.frontend.chain import Chain, Middleware
from mms.frontend.exchange import HTTPRequest, HTTPResponse, status_line
from mms.frontend.forwarded import NOBODY
from mms.frontend.routing import Table
from mms.ipc.request import Body
from mms.log import request_ids


class Application:
    """Answers WSGI requests.

    Parameters
    ----------
    table
        Its routes.
    middleware
        What is done for every request, from the outside in.
    proxies
        Whose word counts about the client of a request.

    Attributes
    ----------
    table, chain
        The routes, and the middleware around them.
    """

    def __init__(self, table: Table, middleware: Sequence[Middleware],
                 proxies: TrustedProxies = NOBODY) -> None:
        self.table = table
        self._proxies = proxies
        self.chain = Chain(middleware)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> \
            Iterable[Body]:
        """Answer one request."""
        request = self.request(environ)
        response = self.chain.answer(request, handler_of(request))
        start_response(status_line(response.status), response.headers)
        return () if environ['REQUEST_METHOD'] == 'HEAD' else response.body

    def request(self, environ: dict[str, Any]) -> HTTPRequest:
        """The request of a WSGI environment; what its thread or greenlet logs is about it now."""
        request = HTTPRequest(environ, self.table.find, self._proxies)
        request_ids.begin(request.context)
        return request


def handler_of(request: HTTPRequest) -> Callable[[HTTPRequest], HTTPResponse]:
    """What answers a request; where there is nothing, what says so."""
    return request.route.handle if request.route else _refuse


def _refuse(request: HTTPRequest) -> NoReturn:
    if request.allowed:
        raise MethodNotAllowed(valid_methods=request.allowed)
    raise NotFound
