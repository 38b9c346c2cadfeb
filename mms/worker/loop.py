"""The life of a worker: receive a frame, run the service's hooks, send a frame."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from typing import Any

from mms.errors import BadRequest, InferenceError, RequestError
from mms.wire import Channel, ChannelClosed, Failure, Message, Ping, Pong, Reply, Request
from mms.worker.encode import to_json
from mms.worker.inputs import read_inputs

logger = logging.getLogger(__name__)

HOOK_FAILED = 'Error occurs while inference was executed on server.'
# What MXNet's imdecode says of a header that is fine and a body that is not.
_UNDECODABLE_PICTURE = 'Decoding failed. Invalid image file.'


def serve(channel: Channel, service: Any, max_image_pixels: int) -> None:
    """Answer requests on `channel`, one at a time, until the front is gone."""
    try:
        while True:
            message = channel.receive()
            channel.send(_answer(message, service, max_image_pixels))
    except ChannelClosed:
        return


def _answer(message: Message, service: Any, max_image_pixels: int) -> Message:
    if isinstance(message, Ping):
        return Pong(ill_health(service))
    assert isinstance(message, Request)
    try:
        return predict(message, service, max_image_pixels)
    except RequestError as error:
        return Failure(type(error).__name__, str(error))


def predict(request: Request, service: Any, max_image_pixels: int) -> Reply:
    """Run one request through the service.

    Raises
    ------
    BadRequest
        The inputs are wrong, or a hook found them so.
    InferenceError
        A hook raised, or returned what JSON cannot hold; the traceback is logged.
    """
    inputs = read_inputs(request.inputs, service.signature, max_image_pixels)
    try:
        prediction = to_json(service.inference(inputs))
    except RequestError:
        raise
    except (Exception, SystemExit) as error:
        if _UNDECODABLE_PICTURE in str(error):
            raise BadRequest(_undecodable(request)) from error
        logger.error(traceback.format_exc())
        raise InferenceError(HOOK_FAILED) from error
    return Reply(prediction, _stage_times(service))


def ill_health(service: Any) -> str:
    """Why the service's ``ping`` failed; an empty string when it did not."""
    try:
        service.ping()
    except Exception as error:
        return f'{type(error).__name__}: {error}'
    return ''


def _stage_times(service: Any) -> dict[str, float]:
    times = getattr(service, 'stage_times_ms', None)
    return dict(times) if isinstance(times, Mapping) else {}


def _undecodable(request: Request) -> str:
    names = ', '.join(item.name for item in request.inputs)
    return (f'Input data for request argument: {names} is not correct. '
            'its picture cannot be decoded: it is damaged, or neither JPEG, PNG nor BMP.')
