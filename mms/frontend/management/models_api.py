"""The endpoints of models on the management port: the interface of MMS 1.x, and ours on top."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, NamedTuple

from mms.event_loop.in_thread import in_thread
from mms.frontend.exchange import HTTPRequest, HTTPResponse
from mms.frontend.management import description
from mms.frontend.management.errors import NotNow, WrongParameter, not_registered, wrong_value
from mms.frontend.management.model_jobs import Loader, Loading, ModelJobs
from mms.frontend.management.model_store import ModelStore
from mms.frontend.management.parameters import Parameters
from mms.frontend.management.pretty_json import pretty_response
from mms.metrics.model_tally import ModelSummary
from mms.runtime.byte_budget import ByteBudget
from mms.serving.gauges import UNLOADED
from mms.serving.registry import Registry
from mms.serving.server_state import ServerLifecycle, ServerState

# As MMS 1.x has it.
_LONGEST_PAGE = 100
_PARTIAL_SUCCESS = 210
_LOADING, _FAILED = 'loading', 'failed'


class Server(NamedTuple):
    """What the management port needs of the server.

    Attributes
    ----------
    models
        Those that are served.
    loader
        Brings more.
    store
        Where they may come from.
    summary
        What was counted of a model.
    lifecycle
        The state of the server.
    at_startup
        Names of the models that the server was started with.
    budget
        Where bodies count that are held.
    """

    models: Registry
    loader: Loader
    store: ModelStore
    summary: Callable[[str], ModelSummary]
    lifecycle: ServerLifecycle
    at_startup: Collection[str]
    budget: ByteBudget


class ModelsAPI:
    """Answers ``/models`` and ``/models/NAME``.

    Parameters
    ----------
    server
        Whose models these are.
    jobs
        Changes them.
    """

    def __init__(self, server: Server, jobs: ModelJobs) -> None:
        self._server = server
        self._models = server.models
        self._jobs = jobs

    def list_models(self, request: HTTPRequest) -> HTTPResponse:
        """``GET /models``: a page of names and locations, in alphabetical order."""
        asked = Parameters.of(request, self._server.budget)
        limit = asked.whole(-2**31, 2**31, 'limit')
        if limit is None or not 0 <= limit <= _LONGEST_PAGE:
            limit = _LONGEST_PAGE
        begin = max(0, asked.whole(-2**31, 2**31, 'next_page_token') or 0)
        places = sorted(self._locations().items())
        page = [{'modelName': name, 'modelUrl': location}
                for name, location in places[begin:begin + limit]]
        token = {'nextPageToken': str(begin + limit)} if begin + limit < len(places) else {}
        return pretty_response(200, {**token, 'models': page})

    def describe(self, request: HTTPRequest) -> HTTPResponse:
        """``GET /models/NAME``: how it is served, and how it does."""
        name = _name(request)
        return pretty_response(200, self._described(name))

    def register(self, request: HTTPRequest) -> HTTPResponse:
        """``POST /models``: serve another model."""
        self._check_serves()
        asked = Parameters.of(request, self._server.budget)
        url = asked.text('url')
        if url is None:
            raise WrongParameter('Parameter url is required.')
        asked.check_ignored()
        workers, _ = asked.workers()
        options, wait = asked.options(), asked.truth('synchronous', True)
        location = in_thread(partial(self._server.store.find, url))
        name = self._jobs.register(asked.text('model_name'), location, options, workers != 0, wait)
        if workers and wait:
            return _status('Workers scaled')
        if workers == 0 or wait:
            return _status(f'Model "{name}" registered')
        return _accepted()

    def change(self, request: HTTPRequest) -> HTTPResponse:
        """``PUT /models/NAME``: replace a model, where there is a ``url``, or scale it."""
        self._check_serves()
        asked = Parameters.of(request, self._server.budget)
        url, name = asked.text('url'), _name(request)
        wait = asked.truth('synchronous', False)
        if url is not None:
            return self._replace(name, url, asked, wait)
        # What is for a replacement alone is looked at, too.
        asked.options()
        workers, most = asked.workers()
        least = 1 if workers is None else workers
        if least == 0 and most:
            raise wrong_value('max_worker', most, '0, as min_worker is')
        are_there = self._jobs.scale(name, least, most, wait)
        if not wait:
            return _accepted()
        if are_there:
            return _status('Workers scaled')
        return _status('Workers scaling in progress...', _PARTIAL_SUCCESS)

    def unregister(self, request: HTTPRequest) -> HTTPResponse:
        """``DELETE /models/NAME``: serve a model no more."""
        self._check_serves()
        name = _name(request)
        self._jobs.unregister(name)
        return _status(f'Model "{name}" unregistered')

    def _replace(self, name: str, url: str, asked: Parameters, wait: bool) -> HTTPResponse:
        asked.check_ignored()
        if asked.workers()[0] == 0:
            raise wrong_value('min_worker', 0, 'a number from 1, where there is a url')
        options = asked.options()
        location = in_thread(partial(self._server.store.find, url))
        self._jobs.replace(name, location, options, wait)
        return _status(f'Model "{name}" replaced') if wait else _accepted()

    def _check_serves(self) -> None:
        if self._server.lifecycle.state is ServerState.LOADING:
            raise NotNow('The models that the server was started with are still being loaded.')

    def _locations(self) -> dict[str, str]:
        """Name -> location of all that are served, are loaded, or could not be."""
        failures = {failure.name: failure.location for failure in self._server.loader.failures}
        coming = {one.name: one.location for one in self._loading if one.name and one.location}
        parked = {name: opened.location for name, opened in self._models.parked.items()}
        served = {name: self._models[name].location for name in self._models.names}
        return {**failures, **coming, **parked, **served}

    @property
    def _loading(self) -> list[Loading]:
        """What clients have asked for, and what others load."""
        asked = list(self._jobs.loading)
        names = {one.name for one in asked}
        return asked + [Loading(model.name, model.location, model.name not in self._models.names,
                                model.options)
                        for model in self._models.coming if model.name not in names]

    def _described(self, name: str) -> dict[str, Any]:
        failure = self._server.loader.failures.of(name)
        coming = next((one for one in self._loading if one.name == name and one.location), None)
        if name in self._models.names:
            told = description.served(self._models[name], self._server.summary(name),
                                      name in self._server.at_startup)
            if coming is not None:
                told['replacement'] = description.replacement(coming.location, _LOADING, None)
            elif failure is not None:
                told['replacement'] = description.replacement(failure.location, _FAILED, failure)
            return told
        status = _LOADING if coming is not None else _FAILED if failure is not None else UNLOADED
        why = failure if coming is None else None
        wanted = coming.options if coming is not None else None
        if name in self._models.parked:
            return description.parked(self._models.parked[name], wanted, status, why)
        location = coming.location if coming is not None else failure.location if failure else None
        if location is None:
            raise not_registered(name)
        return description.coming(name, location, wanted, status, why)


def _name(request: HTTPRequest) -> str:
    return request.parameters['model_name']


def _accepted() -> HTTPResponse:
    return _status('Processing worker updates...', 202)


def _status(text: str, status: int = 200) -> HTTPResponse:
    return pretty_response(status, {'status': text})
