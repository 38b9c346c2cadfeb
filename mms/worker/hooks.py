"""One request on its way through the hooks of a service, and what becomes of its errors."""

from __future__ import annotations

import contextlib
import logging
import time
import traceback
from collections.abc import Mapping
from typing import Any, Callable, Optional, TypeVar, Union

from mms.errors import InferenceError, RequestError, error_name
from mms.ipc.context import NO_CONTEXT, Context
from mms.ipc.request import Answer, Entries, Failure, Reply, Request
from mms.log import request_ids
from mms.mxnet_engine.reasons import request_fault, text_of
from mms.worker.codecs.codec import Codec, Payload
from mms.worker.devices.device_loss import note, raise_if_lost

logger = logging.getLogger(__name__)

HOOK_FAILED = 'Error occurs while inference was executed on server.'

_Result = TypeVar('_Result')


def guarded(run: Callable[[], _Result]) -> _Result:
    """What `run`, which calls hooks, returns.

    Raises
    ------
    BadRequest
        The inputs are wrong, or a hook found them so.
    InferenceError
        A hook raised, or returned what the protocol cannot hold; the traceback is logged.
    DeviceLost
        An earlier run has lost the device.
    """
    raise_if_lost()
    try:
        return run()
    except RequestError as error:
        note(error)
        raise
    except BaseException as error:
        note(error)
        fault = request_fault(error)
        if fault is not None:
            raise fault from error
        logger.error(traceback.format_exc())
        raise InferenceError(HOOK_FAILED) from error


def failure(error: RequestError) -> Failure:
    """The error as a message."""
    return Failure(error_name(error), str(error))


def stage_times(service: Any) -> dict[str, float]:
    """``stage_times_ms`` of a service, as far as these are numbers."""
    times = getattr(service, 'stage_times_ms', None)
    if isinstance(times, Mapping):
        with contextlib.suppress(TypeError, ValueError):
            return {str(stage): float(value) for stage, value in times.items()}
    return {}


def answer_alone(service: Any, request: Request, codec: Codec) -> Answer:
    """Run one request through the service."""
    def run() -> Union[Payload, Entries]:
        decoded = codec.decode(request)
        if isinstance(decoded, Entries):
            return decoded
        inputs, encode, wants_outputs = decoded
        del decoded
        # They may be large: what the service lets go of has to be gone.
        handed_over = [inputs]
        del inputs
        if wants_outputs:
            return _of_outputs(service, handed_over, encode)
        return encode(service.inference(handed_over.pop()))

    request_ids.take([request.context])
    try:
        payload = guarded(run)
    except RequestError as error:
        return failure(error)
    return payload if isinstance(payload, Entries) else _reply(payload, service)


def _of_outputs(service: Any, handed_over: list[Any],
                encode: Callable[[Any], Payload]) -> Payload:
    """The answer made of what `_inference` returns."""
    turn = Turn(service)
    turn.timed('preprocess', service._run_preprocess, handed_over.pop())
    turn.timed('inference', service._run_inference, turn.value)
    payload: Payload = turn.timed('postprocess', encode, turn.value)
    return payload


def _reply(payload: Payload, service: Any) -> Reply:
    return Reply(payload.content, stage_times(service), payload.content_type, payload.status,
                 payload.headers)


def ill_health(service: Any) -> str:
    """Why the service's ``ping`` failed; an empty string when it did not."""
    try:
        service.ping()
    except BaseException as error:
        note(error)
        return f'{type(error).__name__}: {text_of(error)}'
    return ''


class Turn:
    """One request that goes through the three hooks one by one.

    Parameters
    ----------
    place
        Which it is of those in hand.

    Attributes
    ----------
    context
        What is known of the request beside what it asks.
    value
        What the last hook returned, ready for the next.
    answer
        None until the request is answered, or has failed.
    times_ms
        Milliseconds of each stage so far; the service's ``stage_times_ms`` while
        a hook of this request runs.
    """

    def __init__(self, service: Any, place: int = 0) -> None:
        self._service = service
        self.place = place
        self.context: Context = NO_CONTEXT
        self.value: Any = None
        self.answer: Optional[Answer] = None
        self.times_ms: dict[str, float] = {}
        self._encode: Callable[[Any], Payload]
        self._wants_outputs = False

    def preprocess(self, request: Request, codec: Codec) -> None:
        """Read the request, and run ``_preprocess`` on its inputs."""
        self.context = request.context

        def start() -> None:
            decoded = codec.decode(request)
            if isinstance(decoded, Entries):
                self.answer = decoded
                return
            inputs, self._encode, self._wants_outputs = decoded
            self.timed('preprocess', self._service._run_preprocess, inputs)

        self._step(start)

    def infer(self) -> None:
        """Run ``_inference`` on this request alone."""
        self._step(lambda: self.timed('inference', self._service._run_inference, self.value))

    def postprocess(self) -> None:
        """Run ``_postprocess``; the request has its answer after that."""
        def finish() -> None:
            if self._wants_outputs:
                payload = self.timed('postprocess', self._encode, self.value)
            else:
                payload = self._encode(self.timed(
                    'postprocess', self._service._run_postprocess, self.value))
            self.answer = _reply(payload, self._service)

        self._step(finish)

    def timed(self, stage: str, hook: Callable[[Any], Any], data: Any) -> Any:
        """``hook(data)``, which becomes `value` too; its time goes to `times_ms`."""
        self._service.stage_times_ms = self.times_ms
        start = time.perf_counter()
        self.value = hook(data)
        self.times_ms[stage] = (time.perf_counter() - start) * 1000
        return self.value

    def _step(self, run: Callable[[], Any]) -> None:
        if self.answer is not None:
            return
        request_ids.take([self.context])
        try:
            guarded(run)
        except RequestError as error:
            self.value, self.answer = None, failure(error)
