"""What is done for every request of the management port."""

from __future__ import annotations

import logging
from ipaddress import ip_address
from typing import Optional

from werkzeug.exceptions import HTTPException

from mms.errors import RequestError
from mms.frontend.access.refusals import AccessRefused
from mms.frontend.chain import Middleware
from mms.frontend.error_form import error_value, is_open_inference
from mms.frontend.exchange import HTTPRequest, HTTPResponse
from mms.frontend.forwarded import SENT_HOST
from mms.frontend.management.errors import NO_METHOD, NO_RESOURCE, Forbidden
from mms.frontend.management.pretty_json import pretty_response
from mms.log.lines import one_line

logger = logging.getLogger(__name__)

REALM = 'mxnet-model-server management'
TOKEN_ASKED = ('The management port asks for a token: Authorization: Bearer TOKEN '
               '(--management-token).')
_READING = ('GET', 'HEAD', 'OPTIONS')
_TYPES = {404: ('ResourceNotFoundException', NO_RESOURCE),
          405: ('MethodNotAllowedException', NO_METHOD)}


class NoTokenAsked(Middleware):
    """Where no token is asked for, pages of browsers may neither change nor see anything.

    Parameters
    ----------
    host
        The host that the port was given.
    """

    def __init__(self, host: str) -> None:
        self._host = host.lower()

    def before(self, request: HTTPRequest) -> None:
        """Refuse a request that may be a page's, but for probes.

        Raises
        ------
        Forbidden
        """
        if request.route is not None and not request.route.scopes:
            return
        # Every page that somebody on this machine looks at can send these.
        if request.method not in _READING and 'HTTP_ORIGIN' in request.environ:
            raise Forbidden('A page of a browser changes no models of a management port that asks '
                            'for no token.')
        # What the connection says: a page may add what a proxy would.
        environ = request.environ
        host = _name_in(environ.get(SENT_HOST, environ.get('HTTP_HOST', '')))
        if host not in ('', self._host) and not _is_here(host):
            raise Forbidden('A management port that asks for no token is asked by its address, '
                            'localhost or --management-host: any other name may be of a page that '
                            'has it lead here.')


def _name_in(authority: str) -> str:
    """Without its port."""
    name = authority.strip().lower()
    if name.startswith('['):
        return name[1:].partition(']')[0]
    return name.partition(':')[0]


def _is_here(host: str) -> bool:
    """Whether nobody else can have the name lead to this machine; addresses are no names."""
    if host.rstrip('.') == 'localhost' or host.rstrip('.').endswith('.localhost'):
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class ManagementErrors(Middleware):
    """The errors that have a status, with the texts of MMS 1.x."""

    def error(self, request: HTTPRequest, error: Exception) -> Optional[HTTPResponse]:
        """Their response."""
        if isinstance(error, RequestError):
            return _refused(request, error)
        if isinstance(error, HTTPException):
            return _not_routed(request, error)
        return None


def _refused(request: HTTPRequest, error: RequestError) -> HTTPResponse:
    if not isinstance(error, AccessRefused):
        # Of those, who counts them logs some.
        _log(str(error))
    response = _response(request, error.status, error.type, str(error))
    if isinstance(error, AccessRefused):
        response.headers.append(('WWW-Authenticate', error.challenge))
    if error.retry_after_s is not None:
        response.headers.append(('Retry-After', str(error.retry_after_s)))
    return response


def _not_routed(request: HTTPRequest, error: HTTPException) -> HTTPResponse:
    code = error.code or 500
    kind, message = _TYPES.get(code, (f'{type(error).__name__}Exception', error.description or ''))
    _log(message)
    response = _response(request, code, kind, message)
    response.headers += [(name, value) for name, value in error.get_headers() if name == 'Allow']
    return response


def _response(request: HTTPRequest, code: int, kind: str, message: str) -> HTTPResponse:
    return pretty_response(code, error_value(is_open_inference(request), code, kind, message))


def _log(message: str) -> None:
    # What has failed in the server has been logged as an error by whoever tried it.
    logger.info('%s', one_line(message))
