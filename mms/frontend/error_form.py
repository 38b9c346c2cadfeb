"""What an error looks like to clients of MMS, and to those of the Open Inference Protocol."""

from __future__ import annotations

from typing import Any

from mms.frontend.exchange import HTTPRequest, HTTPResponse, json_response
from mms.ipc.request import OPEN_INFERENCE

_ROOT = '/v2'


def is_v2(path: str) -> bool:
    """Whether who asks for a path speaks that protocol, as far as the path says."""
    return path == _ROOT or path.startswith(f'{_ROOT}/')


def is_open_inference(request: HTTPRequest) -> bool:
    """Whether who has sent a request speaks that protocol: a model may have any name."""
    route = request.route
    if route is not None and route.protocol:
        return route.protocol == OPEN_INFERENCE
    return is_v2(request.path)


def error_value(open_inference: bool, code: int, kind: str, message: str) -> dict[str, Any]:
    """What the answer to a refused request holds.

    Parameters
    ----------
    open_inference
        Whether the client speaks that protocol.
    code
        HTTP status.
    kind
        Name of the error, in MMS.
    """
    return {'error': message} if open_inference else {
        'code': code, 'type': kind, 'message': message}


def error_response(request: HTTPRequest, code: int, kind: str, message: str) -> HTTPResponse:
    """The answer itself."""
    return json_response(code, error_value(is_open_inference(request), code, kind, message))
