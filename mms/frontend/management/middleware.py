"""What is done for every request of the management port."""

from __future__ import annotations

import logging
from typing import Optional

from werkzeug.exceptions import HTTPException

from mms.errors import RequestError
from mms.frontend.chain import Middleware
from mms.frontend.exchange import HTTPRequest, HTTPResponse
from mms.frontend.management.errors import NO_METHOD, NO_RESOURCE, Forbidden, Unauthorized
from mms.frontend.management.pretty_json import pretty_response
from mms.frontend.management.tokens import Anybody, TokenCheck
from mms.log.lines import one_line

logger = logging.getLogger(__name__)

_REALM = 'Bearer realm="mxnet-model-server management"'
_READING = ('GET', 'HEAD', 'OPTIONS')
_TYPES = {404: ('ResourceNotFoundException', NO_RESOURCE),
          405: ('MethodNotAllowedException', NO_METHOD)}


class TokenAsked(Middleware):
    """Lets nobody ask who has no token, but for probes.

    Parameters
    ----------
    check
        Knows the tokens.
    open_path
        What the paths begin with that need none.
    """

    def __init__(self, check: TokenCheck, open_path: str) -> None:
        self._check = check
        self._open_path = open_path

    def before(self, request: HTTPRequest) -> None:
        """Refuse a request without a token; and one of a web page, where none is asked for.

        Raises
        ------
        Unauthorized, Forbidden
        """
        if request.path.startswith(self._open_path):
            return
        if not self._check.allows(request.environ):
            raise Unauthorized('The management port asks for a token: Authorization: Bearer TOKEN '
                               '(--management-token).')
        # Every page that somebody on this machine looks at can send these.
        if isinstance(self._check, Anybody) and request.method not in _READING and \
                'HTTP_ORIGIN' in request.environ:
            raise Forbidden('A page of a browser changes no models of a management port that asks '
                            'for no token.')


class ManagementErrors(Middleware):
    """The errors that have a status, with the texts of MMS 1.x."""

    def error(self, request: HTTPRequest, error: Exception) -> Optional[HTTPResponse]:
        """Their response."""
        if isinstance(error, RequestError):
            return _refused(error)
        if isinstance(error, HTTPException):
            return _not_routed(error)
        return None


def _refused(error: RequestError) -> HTTPResponse:
    response = _response(error.status, error.type, str(error))
    if isinstance(error, Unauthorized):
        response.headers.append(('WWW-Authenticate', _REALM))
    if error.retry_after_s is not None:
        response.headers.append(('Retry-After', str(error.retry_after_s)))
    return response


def _not_routed(error: HTTPException) -> HTTPResponse:
    code = error.code or 500
    kind, message = _TYPES.get(code, (f'{type(error).__name__}Exception', error.description or ''))
    response = _response(code, kind, message)
    response.headers += [(name, value) for name, value in error.get_headers() if name == 'Allow']
    return response


def _response(code: int, kind: str, message: str) -> HTTPResponse:
    # What has failed in the server has been logged as an error by whoever tried it.
    logger.info('%s', one_line(message))
    return pretty_response(code, {'code': code, 'type': kind, 'message': message})
