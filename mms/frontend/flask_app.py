"""The application as a Flask application, for those who embed it in a server of their own."""

from __future__ import annotations

import flask
from werkzeug.routing import BaseConverter, Rule

from mms.frontend.application import Application
from mms.frontend.exchange import HTTPResponse

_ENDPOINT = 'mms'


class _Anything(BaseConverter):
    # Line breaks too.
    regex = r'[\s\S]+'
    part_isolating = False
    # Whatever an embedder adds comes first.
    weight = 10_000


def create_app(app_name: str, application: Application) -> flask.Flask:
    """Flask application that answers as `application` does.

    Hooks, and routes, that are added to it work as in any other; what they raise is answered in
    the same form as all else.

    Parameters
    ----------
    app_name
        Import name of the Flask application.
    """
    app = flask.Flask(app_name, static_folder=None)
    # Paths are exact: //ping is not /ping.
    app.url_map.merge_slashes = False
    app.url_map.converters['anything'] = _Anything
    for path in ('/', '/<anything:path>'):
        # For all methods, which Flask's own way to add a rule has no word for.
        app.url_map.add(Rule(path, endpoint=_ENDPOINT, strict_slashes=False))

    def answer(path: str = '') -> flask.Response:
        return _flask_response(application.answer(flask.request.environ))

    def fail(error: Exception) -> flask.Response:
        return _flask_response(application.fail(flask.request.environ, error))

    app.view_functions[_ENDPOINT] = answer
    app.register_error_handler(Exception, fail)
    return app


def _flask_response(response: HTTPResponse) -> flask.Response:
    # Other servers than this package's insist on bytes.
    return flask.Response(map(bytes, response.body), response.status, response.headers)
