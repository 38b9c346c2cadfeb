"""What is said to a server and when, as steps; somebody else does them.

A step is yielded, and what came of it is sent in, or thrown.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Generator, Sequence
from typing import Any, Callable, NamedTuple, Optional, TypeVar, Union
from urllib.parse import quote

import httpx

from mms.client.predictions.address import ServerAddress
from mms.client.predictions.answers import REQUEST_ID, Answer, content_of
from mms.client.predictions.description import Inputs, models_of
from mms.client.predictions.errors import (
    ErrorAnswer,
    ModelNotFound,
    RequestRefused,
    UnreadableAnswer,
)
from mms.client.predictions.failures import FAILURES, error_of
from mms.client.predictions.limits import Retries, Timeouts
from mms.client.predictions.values import Part, parts_of
from mms.version import __version__

_DESCRIPTION, _PING = '/api-description', '/ping'
_NOT_FOUND, _UNHEALTHY = 404, 503
_MOST_NAMES = 10

T = TypeVar('T')


class Work(NamedTuple):
    """Run what takes time, and no network."""

    run: Callable[[], Any]


class Pause(NamedTuple):
    """Wait."""

    seconds: float


class Exchange(NamedTuple):
    """Send a request, and take the whole answer, an :class:`Answer`.

    Attributes
    ----------
    left
        Tells the seconds that are left for it; None where there is no limit.
    """

    request: httpx.Request
    left: Callable[[], Optional[float]]


Step = Union[Work, Pause, Exchange]
Steps = Generator[Step, Any, T]


class _Call(NamedTuple):
    """The time that one call may take."""

    timeouts: Timeouts
    end: float

    def left(self) -> Optional[float]:
        return None if self.timeouts.total_s is None else max(self.end - time.monotonic(), 0)

    def is_shorter_than(self, seconds: float) -> bool:
        left = self.left()
        return left is not None and left <= seconds

    def for_httpx(self) -> dict[str, Optional[float]]:
        left = self.left()
        most = float('inf') if left is None else left
        read = min(self.timeouts.read_s, most)
        return {'connect': min(self.timeouts.connect_s, most), 'read': read, 'write': read,
                'pool': left}


class Conversation:
    """All that a client knows of one server.

    Parameters
    ----------
    address
        Where it is.
    token
        To be sent; None for none.
    timeouts, retries
        For every call; those of a single one may have a limit of their own.
    """

    def __init__(self, address: ServerAddress, token: Optional[str], timeouts: Timeouts,
                 retries: Retries) -> None:
        self._address = address
        self._timeouts, self._retries = timeouts, retries
        self._headers = {'Accept': 'application/json',
                         'User-Agent': f'mxnet-model-client/{__version__}'}
        if token is not None:
            self._headers['Authorization'] = f'Bearer {token}'
        self._known: dict[str, Inputs] = {}

    def predict(self, model: str, given: Any, total_s: Optional[float] = None) -> Steps[Any]:
        """Ask a model; ends with the prediction."""
        call = self._call(total_s)
        inputs = yield from self._inputs(model, call)
        parts = yield Work(lambda: parts_of(model, inputs, given))
        try:
            content = yield from self._ask('POST', f"/{quote(model, safe='')}/predict", call, parts)
        except (RequestRefused, ModelNotFound):
            # Another archive may be served by that name now.
            self._known.pop(model, None)
            raise
        if not isinstance(content, dict) or 'prediction' not in content:
            raise UnreadableAnswer(f'{self._address.shown} answers without a prediction: '
                                   f'{json.dumps(content)[:100]}')
        return content['prediction']

    def inputs(self, model: str) -> Steps[Inputs]:
        """Learn what a model takes."""
        return self._inputs(model, self._call(None))

    def models(self) -> Steps[dict[str, Inputs]]:
        """Learn which models there are."""
        return self._models(self._call(None))

    def is_healthy(self) -> Steps[bool]:
        """Learn whether all models can answer."""
        try:
            yield from self._ask('GET', _PING, self._call(None))
        except ErrorAnswer as error:
            if error.status == _UNHEALTHY and error.retry_after_s is None:
                return False
            raise
        return True

    def _call(self, total_s: Optional[float]) -> _Call:
        timeouts = self._timeouts
        if total_s is not None:
            timeouts = Timeouts(timeouts.connect_s, timeouts.read_s, total_s)
        return _Call(timeouts, time.monotonic() + (timeouts.total_s or 0))

    def _inputs(self, model: str, call: _Call) -> Steps[Inputs]:
        # Another thread may forget it meanwhile.
        inputs = self._known.get(model)
        if inputs is None:
            self._known = known = yield from self._models(call)
            inputs = known.get(model)
            if inputs is None:
                raise ModelNotFound(f'{self._address.shown} has no model {model}: '
                                    f'{_named(sorted(known))}', status=_NOT_FOUND)
        return inputs

    def _models(self, call: _Call) -> Steps[dict[str, Inputs]]:
        content = yield from self._ask('GET', _DESCRIPTION, call)
        try:
            return models_of(content)
        except ValueError as error:
            raise UnreadableAnswer(f'{self._address.shown} is no model server: GET {_DESCRIPTION} '
                                   'tells of no models') from error

    def _ask(self, method: str, path: str, call: _Call, parts: Sequence[Part] = ()) -> Steps[Any]:
        """Ask until there is an answer, or no reason to ask again; ends with its content."""
        request_id = uuid.uuid4().hex
        attempt = 1
        while True:
            try:
                answer: Answer = yield Exchange(
                    self._request(method, path, parts, request_id, call), call.left)
                return content_of(answer, request_id, self._address.shown)
            except FAILURES as error:
                told = error_of(error, self._address, request_id, call.timeouts,
                                call.is_shorter_than(0))
                pause = self._retries.pause_s(told, attempt, random.random())
                if pause is None or call.is_shorter_than(pause):
                    # What HTTPX has raised is its cause.
                    raise told from (None if told is error else error)
            yield Pause(pause)
            attempt += 1

    def _request(self, method: str, path: str, parts: Sequence[Part], request_id: str,
                 call: _Call) -> httpx.Request:
        files = [(part.name, (part.filename, part.content, part.content_type)) for part in parts]
        return httpx.Request(method, self._address.url + path, files=files or None,
                             headers={**self._headers, REQUEST_ID: request_id},
                             extensions={'timeout': call.for_httpx()})


def _named(names: Sequence[str]) -> str:
    if not names:
        return 'it has none'
    more = ['...'] if len(names) > _MOST_NAMES else []
    return f"it has {', '.join([*names[:_MOST_NAMES], *more])}"
