"""The Flask application: routes, and what is counted and logged of each request."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional, Protocol

import flask
from flask_cors import CORS
from werkzeug.routing import BaseConverter

from mms.frontend.body import read_body
from mms.frontend.errors import answer_errors
from mms.log_lines import one_line
from mms.wire import Reply, Request

logger = logging.getLogger(__name__)


class Models(Protocol):
    """What the routes need of the models behind them."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the endpoints."""

    def signature(self, name: str) -> Mapping[str, Any]:
        """Live signature of a model."""

    def predict(self, name: str, request: Request, client_left: Callable[[], bool]) -> Reply:
        """Answer one request, unless its client has left before it is its turn."""

    def ill_health(self) -> Mapping[str, str]:
        """Name of each model that cannot answer -> why."""


class Counts(Protocol):
    """What the routes need of the metrics; nothing here raises."""

    def count(self, name: str, model: Optional[str] = None) -> None:
        """Add one to a count."""

    def observe_stages(self, stage_times_ms: Mapping[str, float], model: str) -> None:
        """Record the latencies of one prediction."""


def create_app(
    app_name: str, models: Models, metrics: Counts, description: Mapping[str, Any],
    max_request_bytes: int,
) -> flask.Flask:
    """WSGI application that serves `models`.

    Parameters
    ----------
    app_name
        Import name of the Flask application.
    models
        The models, loaded.
    metrics
        Where requests are counted.
    description
        Swagger document for ``/api-description``.
    max_request_bytes
        A larger body is answered 413.
    """
    app = flask.Flask(app_name, static_folder=None)
    # Paths are exact: //ping is not /ping.
    app.url_map.merge_slashes = False
    CORS(app)
    answer_errors(app)
    app.url_map.converters['model'] = _converter(models.names)
    routes = _Routes(models, metrics, description, max_request_bytes)
    app.add_url_rule('/<model:name>/predict', 'predict', routes.predict, methods=['POST'])
    app.add_url_rule('/ping', 'ping', routes.ping)
    app.add_url_rule('/', 'root', routes.ping)
    app.add_url_rule('/api-description', 'api-description', routes.api_description)
    app.before_request(_start_clock)
    app.after_request(routes.account)
    return app


class _Routes:
    def __init__(
        self, models: Models, metrics: Counts, description: Mapping[str, Any],
        max_request_bytes: int,
    ) -> None:
        self._models = models
        self._metrics = metrics
        self._description = description
        self._max_request_bytes = max_request_bytes

    def predict(self, name: str) -> flask.Response:
        self._metrics.count('PredictionTotal', model=name)
        environ = flask.request.environ
        body = read_body(environ, self._max_request_bytes)
        request = Request(environ.get('CONTENT_TYPE', ''), body)
        reply = self._models.predict(name, request, environ.get('mms.client_left', _never))
        self._metrics.observe_stages(reply.stage_times_ms, model=name)
        logger.debug('Prediction request handling time is: %s ms', _elapsed_ms())
        return flask.Response(b'{"prediction":%b}\n' % reply.prediction,
                              mimetype='application/json')

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
        return flask.jsonify({'description': self._description})

    def account(self, answer: flask.Response) -> flask.Response:
        name = (flask.request.view_args or {}).get('name')
        if name is not None and answer.status_code >= 400:
            self._metrics.count(f'Prediction{answer.status_code // 100}XX', model=name)
        logger.info('%s %s %d %.1f ms%s', one_line(flask.request.method),
                    one_line(flask.request.path),
                    answer.status_code, _elapsed_ms(), f' model={name}' if name else '')
        return answer


def _converter(names: Sequence[str]) -> type[BaseConverter]:
    """Matches the models' names alone, so that any other path is a 404."""
    pattern = '|'.join(re.escape(name) for name in names)
    return type('ModelNameConverter', (BaseConverter,), {'regex': f'(?:{pattern})'})


def _never() -> bool:
    """Another server than this package's does not say whether a client has left."""
    return False


def _start_clock() -> None:
    flask.g.started = time.monotonic()


def _elapsed_ms() -> float:
    return (time.monotonic() - flask.g.started) * 1000
