"""The short way for the plain prediction, which most requests of a busy server are.

It gives the answer that the Flask application would give, in less time. Whatever
is not plain goes to the application: every other path and method, a request of a web page
(it has an Origin), a chunked body, and every failure.
"""

from __future__ import annotations

import time
from typing import Any, Callable

from mms.event_loop.yielding import Lane, give_way_if_late
from mms.frontend.access_log import log_answer
from mms.frontend.predictor import Predictor

# In the WSGI environment: what the application is to answer, instead of asking again.
FAILURE = 'mms.failure'
# In the WSGI environment: when the request began, of the monotonic clock.
STARTED = 'mms.started'


class Shortcut:
    """WSGI application before another one.

    Parameters
    ----------
    app
        The Flask application.
    predictor
        That of the application.
    """

    def __init__(self, app: Any, predictor: Predictor) -> None:
        self._app = app
        self._predictor = predictor
        # WSGI has the bytes of a path as Latin-1.
        self._names = {f'/{name}/predict'.encode().decode('latin-1'): name
                       for name in predictor.models.names}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer one request."""
        name = self._names.get(environ['PATH_INFO'])
        if name is None or not _is_plain(environ):
            return self._app(environ, start_response)
        environ[STARTED] = started = time.monotonic()
        try:
            answer = self._predictor.predict(name, environ)
        except Exception as error:
            return self._answer_failure(error, environ, start_response)
        start_response('200 OK', [
            ('Content-Type', 'application/json'),
            ('Content-Length', str(answer.size)),
            ('Access-Control-Allow-Origin', '*'),
        ])
        log_answer('POST', f'/{name}/predict', 200, started, name)
        return answer

    def _answer_failure(self, error: Exception, environ: dict[str, Any],
                        start_response: Callable[..., Any]) -> Any:
        # Many may have waited for the same that did not come.
        give_way_if_late(Lane.END)
        environ[FAILURE] = error
        answer = self._app(environ, start_response)
        # Its frames have it in their variables: the request's body would stay until Python
        # collects its garbage.
        error.__traceback__ = error.__context__ = None
        return answer


def _is_plain(environ: dict[str, Any]) -> bool:
    return (environ['REQUEST_METHOD'] == 'POST' and 'CONTENT_LENGTH' in environ
            and 'HTTP_ORIGIN' not in environ and 'HTTP_TRANSFER_ENCODING' not in environ)
