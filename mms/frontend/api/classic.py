"""The Flask application: routes, and what is counted and logged of each request."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import flask
from flask.json.provider import DefaultJSONProvider
from flask_cors import CORS
from werkzeug.routing import BaseConverter

from mms.frontend.access_log import log_answer
from mms.frontend.errors import answer_errors
from mms.frontend.predictor import Predictor
from mms.frontend.shortcut import FAILURE, STARTED

logger = logging.getLogger(__name__)


def create_app(
    app_name: str, predictor: Predictor, description: Mapping[str, Any],
) -> flask.Flask:
    """WSGI application that serves models.

    Parameters
    ----------
    app_name
        Import name of the Flask application.
    predictor
        Of the models, loaded.
    description
        Swagger document for ``/api-description``.
    """
    app = flask.Flask(app_name, static_folder=None)
    # Paths are exact: //ping is not /ping.
    app.url_map.merge_slashes = False
    app.json = _AllEscaped(app)
    CORS(app)
    answer_errors(app)
    app.url_map.converters['model'] = _converter(predictor.models.names)
    with app.app_context():
        routes = _Routes(predictor, flask.json.dumps({'description': description}) + '\n')
    app.add_url_rule('/<model:name>/predict', 'predict', routes.predict, methods=['POST'])
    app.add_url_rule('/ping', 'ping', routes.ping)
    # The target of `GET http://host?x=1` has no path: that is /, and not redirected there.
    app.add_url_rule('/', 'root', routes.ping, strict_slashes=False)
    app.add_url_rule('/api-description', 'api-description', routes.api_description)
    app.before_request(_start_clock)
    app.before_request(_refuse_leading_slashes)
    app.after_request(routes.account)
    return app


class _Routes:
    def __init__(self, predictor: Predictor, description: str) -> None:
        self._predictor = predictor
        self._models = predictor.models
        self._metrics = predictor.metrics
        self._description = description

    def predict(self, name: str) -> flask.Response:
        environ = flask.request.environ
        failure = environ.pop(FAILURE, None)
        if failure is not None:
            raise failure
        answer = self._predictor.predict(name, environ)
        # Other servers than this package's insist on bytes.
        return flask.Response(map(bytes, answer), mimetype='application/json',
                              headers={'Content-Length': str(answer.size)})

    def ping(self) -> tuple[flask.Response, int]:
        self._metrics.count('PingTotal')
        sick = self._models.ill_health()
        for name, reason in sick.items():
            logger.error('Model %s is unhealthy: %s', name, reason)
        if sick:
            return flask.jsonify({'health': 'unhealthy!'}), 503
        return flask.jsonify({'health': 'healthy!'}), 200

    def api_description(self) -> flask.Response:
        self._metrics.count('APIDescriptionTotal')
        return flask.Response(self._description, mimetype='application/json')

    def account(self, answer: flask.Response) -> flask.Response:
        name = (flask.request.view_args or {}).get('name')
        if name is not None and answer.status_code >= 400:
            self._metrics.count(f'Prediction{answer.status_code // 100}XX', model=name)
        log_answer(flask.request.method, flask.request.path, answer.status_code,
                   flask.request.environ[STARTED], name)
        return answer


class _AllEscaped(DefaultJSONProvider):
    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """`obj` as ASCII, without the one control character that JSON leaves as it is."""
        return super().dumps(obj, **kwargs).replace('\x7f', '\\u007f')


def _converter(names: Sequence[str]) -> type[BaseConverter]:
    """Matches the models' names alone, so that any other path is a 404."""
    pattern = '|'.join(re.escape(name) for name in names)
    return type('ModelNameConverter', (BaseConverter,), {'regex': f'(?:{pattern})'})


def _start_clock() -> None:
    flask.request.environ.setdefault(STARTED, time.monotonic())


def _refuse_leading_slashes() -> None:
    """Werkzeug would take them for one."""
    if flask.request.environ['PATH_INFO'].startswith('//'):
        flask.abort(404)
