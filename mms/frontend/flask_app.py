"""The application as a Flask application, for those who embed it in a server of their own."""

from __future__ import annotations

from typing import Any, NoReturn, Optional

import flask
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import BaseConverter, RequestRedirect, Rule, ValidationError

from mms.errors import RequestError
from mms.frontend.application import Application, handler_of
from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route
from mms.frontend.routing import MODEL, PARAMETER, Table
from mms.log import request_ids

_REQUEST = 'mms.request'


def create_app(app_name: str, application: Application) -> flask.Flask:
    """Flask application that answers as `application` does.

    Hooks, routes and error handlers that are added to it work as in any other. The middleware of
    `application` sees every response, also those of added routes, and what they raise is answered
    in the same form as all else.

    Parameters
    ----------
    app_name
        Import name of the Flask application.
    """
    app = flask.Flask(app_name, static_folder=None)
    # Paths are exact: //ping is not /ping.
    app.url_map.merge_slashes = False
    app.url_map.converters[MODEL] = _converter(application.table)
    bridge = _Bridge(application)
    for route in application.table.routes:
        endpoint = _endpoint(route.path)
        app.url_map.add(_rule(route, endpoint))
        app.view_functions[endpoint] = bridge.answer
    app.before_request(bridge.refuse_unrouted)
    for error in (RequestError, HTTPException, Exception):
        app.register_error_handler(error, bridge.fail)
    app.after_request(bridge.leave)
    app.teardown_request(bridge.forget)
    return app


class _Bridge:
    """Between Flask's hooks and the chain of middleware."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._chain = application.chain

    def answer(self, **parameters: str) -> flask.Response:
        request = self._request()
        return _flask_response(self._chain.enter(request, handler_of(request)))

    def fail(self, error: Exception) -> flask.Response:
        return _flask_response(self._chain.failed(self._request(), error))

    def leave(self, response: flask.Response) -> flask.Response:
        seen = HTTPResponse(response.status_code, response.content_type or '', (), 0)
        had = len(seen.headers)
        left = self._chain.leave(self._request(), seen)
        # It has the environment, which has it.
        del flask.request.environ[_REQUEST]
        if left is not seen:
            return _flask_response(left)
        # What somebody else has said stays.
        said = set(response.headers.keys(lower=True))
        for name, value in seen.headers[had:]:
            if name.lower() not in said or name == 'Vary':
                response.headers.add(name, value)
        return response

    def forget(self, error: Optional[BaseException]) -> None:
        """The request is over, however it ended."""
        request_ids.end()

    def refuse_unrouted(self) -> Optional[flask.Response]:
        """What has no route goes through the middleware too: who may not ask is not told so."""
        error = flask.request.routing_exception
        if self._request().sent_path.startswith('//'):
            # Werkzeug would take them for one.
            error = NotFound()
        if error is None or isinstance(error, RequestRedirect):
            return None

        def refuse(request: HTTPRequest) -> NoReturn:
            raise error

        return _flask_response(self._chain.enter(self._request(), refuse))

    def _request(self) -> HTTPRequest:
        environ = flask.request.environ
        if _REQUEST not in environ:
            environ[_REQUEST] = self._application.request(environ)
        request: HTTPRequest = environ[_REQUEST]
        return request


def _converter(table: Table) -> type[BaseConverter]:
    """Takes the models that are served while the request comes, so that any other is a 404."""
    class ModelConverter(BaseConverter):
        # Slashes and line breaks too.
        regex = r'[\s\S]+'
        part_isolating = False

        def to_python(self, value: str) -> Any:
            if value not in table.models:
                raise ValidationError
            return value

    return ModelConverter


def _rule(route: Route, endpoint: str) -> Rule:
    path = PARAMETER.sub(lambda found: (
        f'<{MODEL}:{found[1]}>' if found[1] == MODEL else found[0]), route.path)
    # Where a path has parameters it may be nobody's: only its route says which methods it takes.
    methods = None if PARAMETER.search(route.path) else [*route.methods, 'OPTIONS']
    # The target of `GET http://host?x=1` has no path: that is /, and not redirected there.
    return Rule(path, endpoint=endpoint, methods=methods, strict_slashes=route.path != '/')


def _endpoint(path: str) -> str:
    """Flask's name of a route: ``predict``, ``ping``, ``root``."""
    return '-'.join(filter(None, PARAMETER.sub('', path).split('/'))) or 'root'


def _flask_response(response: HTTPResponse) -> flask.Response:
    # Other servers than this package's insist on bytes.
    return flask.Response(map(bytes, response.body), response.status, response.headers)
