"""Which models there are, as Triton's repository has it; what changes them is not done here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Callable, NoReturn

from mms.errors import RequestError
from mms.frontend.access.scopes import MANAGE, Scopes
from mms.frontend.api.health import Monitor
from mms.frontend.api.inference_v2 import VERSION
from mms.frontend.api.operations.open_inference import INDEX, NOT_HERE
from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route, json_response
from mms.frontend.http.body import WrongBody, read_body
from mms.runtime.byte_budget import ByteBudget
from mms.serving.model_state import ModelState

# Of a request that says little; what a model is made of is not sent.
MOST_BODY_BYTES = 64 * 1024
REPOSITORY = '/v2/repository/'
_CONTROL = f'{REPOSITORY}models/<name>'
_READY, _LOADING, _UNLOADING, _UNAVAILABLE = 'READY', 'LOADING', 'UNLOADING', 'UNAVAILABLE'
_STATES = {ModelState.READY: _READY, ModelState.LOADING: _LOADING,
           ModelState.DRAINING: _UNLOADING}


class NotHere(RequestError):
    """Models are changed on the management port alone."""

    status = 403
    type = 'ForbiddenException'


class Repository:
    """Answers ``/v2/repository/...``.

    Parameters
    ----------
    monitor
        Who knows how those models are that have workers.
    unloaded
        Names of those that have none.
    budget
        Where bodies count that are held.
    """

    def __init__(self, monitor: Monitor, unloaded: Callable[[], Sequence[str]],
                 budget: ByteBudget) -> None:
        self._monitor = monitor
        self._unloaded = unloaded
        self._budget = budget

    def index(self, request: HTTPRequest) -> HTTPResponse:
        """``POST /v2/repository/index``: all models, with their states."""
        only_ready = object_in(request, self._budget).get('ready', False)
        if not isinstance(only_ready, bool):
            raise WrongBody('ready must be true or false.')
        return json_response(200, [entry for entry in self._entries()
                                   if not only_ready or entry['state'] == _READY])

    def refuse(self, request: HTTPRequest) -> NoReturn:
        """``POST /v2/repository/models/NAME/load`` and ``unload``.

        Raises
        ------
        NotHere
        """
        raise NotHere('Models are loaded and unloaded on the management port alone '
                      '(--management-port).')

    def _entries(self) -> list[dict[str, str]]:
        found = {model.name: _entry(model.name, _STATES.get(model.state, _UNAVAILABLE),
                                    '' if model.can_answer else model.reason)
                 for model in self._monitor.report().models}
        for name in self._unloaded():
            found.setdefault(name, _entry(name, _UNAVAILABLE, 'unloaded'))
        return [found[name] for name in sorted(found)]


def repository_routes(repository: Repository, scopes: Scopes) -> list[Route]:
    """These endpoints; the list needs one of the scopes."""
    return [Route(('POST',), f'{REPOSITORY}index', repository.index, scopes=scopes,
                  told=INDEX),
            *(Route(('POST',), f'{_CONTROL}/{change}', repository.refuse, scopes=MANAGE, told=told)
              for change, told in NOT_HERE.items())]


def object_in(request: HTTPRequest, budget: ByteBudget) -> dict[str, Any]:
    """The object of JSON that is the body of a request; empty where it has none.

    Raises
    ------
    WrongBody
    """
    raw = bytes(read_body(request.environ, MOST_BODY_BYTES, budget))
    if not raw.strip():
        return {}
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise WrongBody('The body of the request is no object of JSON.')
    return value


def _entry(name: str, state: str, reason: str) -> dict[str, str]:
    return {'name': name, 'version': VERSION, 'state': state, 'reason': reason}
