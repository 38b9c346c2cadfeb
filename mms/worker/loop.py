"""The life of a worker: receive a frame, run the service's hooks, send a frame."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Mapping
from typing import Any

from mms.errors import InferenceError, RequestError, error_name
from mms.model_service.reasons import request_fault
from mms.wire import Channel, ChannelClosed, Failure, Message, Ping, Pong, Reply, Request
from mms.worker.encode import to_json
from mms.worker.form import read_form
from mms.worker.inputs import read_inputs

logger = logging.getLogger(__name__)

HOOK_FAILED = 'Error occurs while inference was executed on server.'


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
        return Failure(error_name(error), str(error))


def predict(request: Request, service: Any, max_image_pixels: int) -> Reply:
    """Run one request through the service.

    Raises
    ------
    BadRequest
        The inputs are wrong, or a hook found them so.
    InferenceError
        A hook raised, or returned what JSON cannot hold; the traceback is logged.
    """
    try:
        signature = service.signature
        inputs = read_inputs(read_form(request, signature), signature, max_image_pixels)
        prediction = to_json(service.inference(inputs))
    except RequestError:
        raise
    except BaseException as error:
        fault = request_fault(error)
        if fault is not None:
            raise fault from error
        logger.error(traceback.format_exc())
        raise InferenceError(HOOK_FAILED) from error
    return Reply(prediction, _stage_times(service))


def ill_health(service: Any) -> str:
    """Why the service's ``ping`` failed; an empty string when it did not."""
    try:
        service.ping()
    except (Exception, SystemExit) as error:
        return f'{type(error).__name__}: {error}'
    return ''


def _stage_times(service: Any) -> dict[str, float]:
    times = getattr(service, 'stage_times_ms', None)
    if isinstance(times, Mapping):
        with contextlib.suppress(TypeError, ValueError):
            return {str(stage): float(value) for stage, value in times.items()}
    return {}
