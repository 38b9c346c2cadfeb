"""The one place where an exception becomes an HTTP response: ``code``, ``type`` and ``message``, or
``error`` in the Open Inference Protocol.
"""

from __future__ import annotations

import logging
import re
from typing import Optional

from werkzeug.exceptions import ClientDisconnected, HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Request as WSGIRequest

from mms.errors import RequestError, TooManyRequests
from mms.frontend.access.refusals import AccessRefused
from mms.frontend.error_form import error_response, is_open_inference
from mms.frontend.exchange import HTTPRequest, HTTPResponse
from mms.frontend.http.body import UnsupportedEncoding
from mms.ipc.request import API_DESCRIPTION
from mms.log.lines import one_line

logger = logging.getLogger(__name__)

_TYPES = {
    400: 'BadRequestException',
    404: 'ResourceNotFoundException',
    405: 'MethodNotAllowedException',
    500: 'InternalServerException',
}


# Who mistyped an address is told these.
ENDPOINTS = 'GET /api-description lists the endpoints, whose names are matched to the letter.'
# Or these, in the Open Inference Protocol.
MODELS = 'GET /v2/models lists the models, whose names are matched to the letter.'


def known_error(request: HTTPRequest, error: Exception,
                endpoints: str = ENDPOINTS) -> Optional[HTTPResponse]:
    """Response to an error that has a status, after a line in the log; None for any other.

    Parameters
    ----------
    endpoints
        What there is, for who asked for what there is not.
    """
    if isinstance(error, RequestError):
        return _request_error(request, error)
    if isinstance(error, HTTPException):
        return _http_exception(request, error, endpoints)
    return None


def failed_itself(request: HTTPRequest, error: Exception) -> HTTPResponse:
    """Response to an error that nobody foresaw, after its traceback in the log."""
    logger.error('The server itself failed over %s', one_line(request.path), exc_info=error)
    return error_response(request, 500, _type(500),
                          'The server failed over this request; its log says how.')


def _request_error(request: HTTPRequest, error: RequestError) -> HTTPResponse:
    message = _addressed(request, str(error))
    if not isinstance(error, (AccessRefused, TooManyRequests)):
        # Whoever reaches the port can send any number of those: who counts them logs some.
        _log_refusal(request, error.status, message)
    response = error_response(request, error.status, error.type, message)
    if error.retry_after_s is not None:
        response.headers.append(('Retry-After', str(error.retry_after_s)))
    if isinstance(error, AccessRefused):
        response.headers.append(('WWW-Authenticate', error.challenge))
    if isinstance(error, UnsupportedEncoding):
        response.headers.append(('Accept-Encoding', 'gzip, deflate'))
    return response


def _log_refusal(request: HTTPRequest, status: int, message: str) -> None:
    """What a client has done wrong on a path that is no model's is no error of the server."""
    level = logging.ERROR if request.model is not None or status >= 500 else logging.INFO
    logger.log(level, '%s', one_line(message))


def _addressed(request: HTTPRequest, message: str) -> str:
    """With the real address of the description behind the placeholder, which clients know."""
    if API_DESCRIPTION not in message:
        return message
    asked = WSGIRequest(request.environ, populate_request=False)
    if not asked.host:
        return message
    return message.replace(
        API_DESCRIPTION, f'{API_DESCRIPTION} ({asked.url_root}api-description)')


def _http_exception(request: HTTPRequest, error: HTTPException, endpoints: str) -> HTTPResponse:
    code = error.code or 500
    message = _message(request, code, endpoints) or error.description or ''
    if isinstance(error, ClientDisconnected):
        message = 'The client has left before its request was whole.'
        logger.info('%s', message)
    else:
        _log_refusal(request, code, message)
    response = error_response(request, code, _type(code), message)
    response.headers += [(name, _ordered(value) if name == 'Allow' else value)
                         for name, value in error.get_headers()
                         if name.lower() not in ('content-type', 'content-length')]
    return response


def _ordered(methods: str) -> str:
    """Werkzeug has them in a set."""
    return ', '.join(sorted(methods.split(', ')))


def _message(request: HTTPRequest, code: int, endpoints: str) -> str:
    """What a person who mistyped an address needs; Werkzeug's words otherwise."""
    if code == 404:
        # Of several slashes at its beginning, two are enough to see why.
        path = f'/{request.path}' if request.sent_path.startswith('//') else request.path
        if is_open_inference(request):
            endpoints = MODELS
        return f'There is nothing at {path}: {endpoints}'
    if code == 405:
        return f'{request.path} does not take {request.method}: the header Allow says what it does.'
    return ''


def _type(code: int) -> str:
    name = re.sub(r'[^A-Za-z]', '', HTTP_STATUS_CODES.get(code, '').title())
    return _TYPES.get(code, f'{name}Exception')
