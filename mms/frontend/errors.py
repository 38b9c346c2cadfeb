"""The one place where an exception becomes an HTTP answer."""

from __future__ import annotations

import logging
import re
from typing import Callable, TypeVar

import flask
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from mms.errors import RequestError
from mms.ipc.messages import API_DESCRIPTION
from mms.log.lines import one_line

logger = logging.getLogger(__name__)

AnError = TypeVar('AnError', bound=Exception)

_TYPES = {
    400: 'BadRequestException',
    404: 'ResourceNotFoundException',
    405: 'MethodNotAllowedException',
    500: 'InternalServerException',
}


def answer_errors(app: flask.Flask) -> None:
    """Make every error of `app` a JSON answer: ``code``, ``type`` and ``message``."""
    app.register_error_handler(RequestError, _letting_go(_request_error))
    app.register_error_handler(HTTPException, _letting_go(_http_exception))
    app.register_error_handler(Exception, _letting_go(_unexpected))


def _letting_go(answer: Callable[[AnError], flask.Response]) -> Callable[[AnError], flask.Response]:
    def answer_and_let_go(error: AnError) -> flask.Response:
        response = answer(error)
        # Flask keeps the error in its context, which is in the frames that the error has: they
        # would stay until Python collects its garbage.
        error.__traceback__ = error.__context__ = None
        return response

    return answer_and_let_go


def _request_error(error: RequestError) -> flask.Response:
    message = _addressed(str(error))
    logger.error('%s', one_line(message))
    answer = _answer(error.status, error.type, message)
    if error.retry_after_s is not None:
        answer.headers['Retry-After'] = str(error.retry_after_s)
        # To the scripts of a page.
        answer.headers['Access-Control-Expose-Headers'] = 'Retry-After'
    return answer


def _addressed(message: str) -> str:
    """With the real address of the description behind the placeholder, which clients know."""
    if not flask.request.host:
        return message
    return message.replace(
        API_DESCRIPTION, f'{API_DESCRIPTION} ({flask.request.url_root}api-description)')


def _http_exception(error: HTTPException) -> flask.Response:
    code = error.code or 500
    message = _message(code) or error.description or ''
    logger.error('%s', one_line(message))
    answer = _answer(code, _type(code), message)
    for name, value in error.get_headers():
        if name.lower() not in ('content-type', 'content-length'):
            answer.headers.set(name, value)
    return answer


def _message(code: int) -> str:
    """What a person who mistyped an address needs; Werkzeug's words otherwise."""
    request = flask.request
    if code == 404:
        # Of several slashes at its beginning, Werkzeug's path has one.
        path = f'/{request.path}' if request.environ['PATH_INFO'].startswith('//') else request.path
        return (f'There is nothing at {path}: GET /api-description lists the endpoints, '
                'whose names are matched to the letter.')
    if code == 405:
        return f'{request.path} does not take {request.method}: the header Allow says what it does.'
    return ''


def _unexpected(error: Exception) -> flask.Response:
    logger.exception('The server itself failed over %s', one_line(flask.request.path))
    return _answer(500, _type(500), 'The server failed over this request; its log says how.')


def _answer(code: int, kind: str, message: str) -> flask.Response:
    answer = flask.jsonify({'code': code, 'type': kind, 'message': message})
    answer.status_code = code
    return answer


def _type(code: int) -> str:
    name = re.sub(r'[^A-Za-z]', '', HTTP_STATUS_CODES.get(code, '').title())
    return _TYPES.get(code, f'{name}Exception')
