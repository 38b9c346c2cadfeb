"""The application behind the management port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

from mms.config.trusted_proxies import TrustedProxies
from mms.frontend.access.scopes import MANAGE
from mms.frontend.access_log import AccessLog
from mms.frontend.api.openapi import OpenAPI
from mms.frontend.application import Application
from mms.frontend.chain import Middleware
from mms.frontend.docs.page import DocsPage
from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route
from mms.frontend.forwarded import NOBODY
from mms.frontend.management import operations
from mms.frontend.management.middleware import ManagementErrors
from mms.frontend.management.model_jobs import ModelJobs
from mms.frontend.management.models_api import ModelsAPI, Server
from mms.frontend.management.pretty_json import pretty_response
from mms.frontend.management.refusals import ANYWHERE, TOKEN
from mms.frontend.middleware import Logging, RequestIds
from mms.frontend.openapi.document import Subject, document
from mms.frontend.openapi.operation import SameAs
from mms.frontend.routing import Table
from mms.version import __version__

# MMS 1.x takes a slash at the end of each path, and every method for its description.
_SLASH = '/'
_ANY = ('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS')

_TITLE = 'Model Server APIs'
_TOLD = 'Models that are loaded, replaced, scaled and removed while the server runs.'
# What MMS 1.x answers.
_OF_MMS_1 = Subject(_TITLE, _TOLD, __version__, TOKEN, ANYWHERE, '3.0.1')


def management_application(server: Server, jobs: ModelJobs, allowed: Middleware,
                           more_routes: Sequence[Route] = (),
                           more: Sequence[Middleware] = (),
                           access_log: Optional[AccessLog] = None,
                           proxies: TrustedProxies = NOBODY,
                           asks_for_token: bool = True) -> Application:
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
    asks_for_token
        Whether a token is asked for.
    """
    models = server.models
    subject = Subject(_TITLE, _TOLD, __version__, TOKEN if asks_for_token else (), ANYWHERE)
    openapi = OpenAPI(models, lambda: table.routes, lambda: {name: {} for name in models.names},
                      subject)
    table = Table([*management_routes(ModelsAPI(server, jobs)), *more_routes,
                   *openapi.routes(MANAGE), *DocsPage().routes()], models)
    return Application(table, [RequestIds(), Logging(access_log or AccessLog()), ManagementErrors(),
                               allowed, *more], proxies)


def management_routes(models: ModelsAPI) -> list[Route]:
    """The endpoints of models."""
    def describe(request: HTTPRequest) -> HTTPResponse:
        """The interface, for programs that make clients of it."""
        return pretty_response(200, document(routes, {}, _OF_MMS_1))

    routes = [
        Route(('OPTIONS',), '/', describe, told=operations.API),
        Route(('GET',), '/models', models.list_models, told=operations.LIST),
        Route(('POST',), '/models', models.register, told=operations.REGISTER),
        Route(('GET',), '/models/<model_name>', models.describe, told=operations.DESCRIBE),
        Route(('PUT',), '/models/<model_name>', models.change, told=operations.CHANGE),
        Route(('DELETE',), '/models/<model_name>', models.unregister,
              told=operations.UNREGISTER),
        Route(_ANY, '/api-description', describe, told=SameAs('/')),
    ]
    return [*routes, *(replace(route, path=route.path + _SLASH, told=SameAs(route.path))
                       for route in routes if route.path != '/')]
