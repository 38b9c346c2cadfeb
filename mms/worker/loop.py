"""The life of a worker: receive a frame, run the service's hooks, send a frame."""

from __future__ import annotations

from typing import Any

from mms.errors import RequestError
from mms.wire import Channel, ChannelClosed, Message, Ping, Pong, Reply, Request
from mms.worker.encode import to_json
from mms.worker.hooks import HOOK_FAILED, failure, guarded, stage_times
from mms.worker.inputs import read_inputs

__all__ = ['HOOK_FAILED', 'ill_health', 'predict', 'serve']


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
        return failure(error)


def predict(request: Request, service: Any, max_image_pixels: int) -> Reply:
    """Run one request through the service.

    Raises
    ------
    BadRequest
        The inputs are wrong, or a hook found them so.
    InferenceError
        A hook raised, or returned what JSON cannot hold; the traceback is logged.
    """
    prediction = guarded(lambda: to_json(service.inference(
        read_inputs(request.inputs, service.signature, max_image_pixels))))
    return Reply(prediction, stage_times(service))


def ill_health(service: Any) -> str:
    """Why the service's ``ping`` failed; an empty string when it did not."""
    try:
        service.ping()
    except (Exception, SystemExit) as error:
        return f'{type(error).__name__}: {error}'
    return ''
