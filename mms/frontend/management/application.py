"""The application behind the management port."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from mms.config.trusted_proxies import TrustedProxies
from mms.frontend.access_log import AccessLog
from mms.frontend.application import Application
from mms.frontend.chain import Middleware
from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route
from mms.frontend.forwarded import NOBODY
from mms.frontend.management.middleware import ManagementErrors
from mms.frontend.management.model_jobs import ModelJobs
from mms.frontend.management.models_api import ModelsAPI, Server
from mms.frontend.management.openapi import openapi
from mms.frontend.management.pretty_json import pretty_response
from mms.frontend.middleware import Logging, RequestIds
from mms.frontend.routing import Table

# MMS 1.x takes a slash at the end of each path, and every method for its description.
_ENDS = ('', '/')
_ANY = ('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS')


def management_application(server: Server, jobs: ModelJobs, allowed: Middleware,
                           more_routes: Sequence[Route] = (),
                           more: Sequence[Middleware] = (),
                           access_log: Optional[AccessLog] = None,
                           proxies: TrustedProxies = NOBODY) -> Application:
    """Answers the requests of the management port.

    Parameters
    ----------
    allowed
        Refuses who may not ask.
    more_routes
        Endpoints beside those of models.
    more
        Within the other middleware.
    access_log
        Where each answer leaves a line.
    proxies
        Whose word counts about the client of a request.
    """
    table = Table([*management_routes(ModelsAPI(server, jobs)), *more_routes], server.models)
    return Application(table, [RequestIds(), Logging(access_log or AccessLog()), ManagementErrors(),
                               allowed, *more], proxies)


def management_routes(models: ModelsAPI) -> list[Route]:
    """The endpoints of models."""
    return [
        Route(('OPTIONS',), '/', _api),
        *(Route((method,), path + end, handle) for end in _ENDS for method, path, handle in (
            ('GET', '/models', models.list_models),
            ('POST', '/models', models.register),
            ('GET', '/models/<model_name>', models.describe),
            ('PUT', '/models/<model_name>', models.change),
            ('DELETE', '/models/<model_name>', models.unregister))),
        *(Route(_ANY, '/api-description' + end, _api) for end in _ENDS),
    ]


def _api(request: HTTPRequest) -> HTTPResponse:
    """The interface, for programs that make clients of it."""
    return pretty_response(200, openapi())
