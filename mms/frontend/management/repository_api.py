"""Models loaded and unloaded as Triton's clients have it done: ``/v2/repository/...``."""

from __future__ import annotations

from functools import partial
from typing import Any

from mms.event_loop.in_thread import in_thread
from mms.frontend.access.scopes import MANAGE
from mms.frontend.api.health import Monitor
from mms.frontend.api.inference_v2_models import Known, model_routes
from mms.frontend.api.inference_v2_repository import REPOSITORY, Repository, object_in
from mms.frontend.api.inference_v2_statistics import Tally, statistics_routes
from mms.frontend.api.operations.open_inference import CHANGES, INDEX
from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route, json_response
from mms.frontend.management.errors import NotNow, NotRegistered, WrongParameter
from mms.frontend.management.model_jobs import ModelJobs
from mms.frontend.management.models_api import Server
from mms.serving.model_options import ModelOptions
from mms.serving.server_state import ServerState

_CONTROL = f'{REPOSITORY}models/<model_name>'


class RepositoryAPI:
    """Answers what changes models.

    Parameters
    ----------
    server
        Whose models these are.
    jobs
        Changes them.
    """

    def __init__(self, server: Server, jobs: ModelJobs) -> None:
        self._server = server
        self._jobs = jobs

    def load(self, request: HTTPRequest) -> HTTPResponse:
        """``POST /v2/repository/models/NAME/load``: what was unloaded, or lies in the model store;
        what is served is replaced by what lies there, if anything does.
        """
        name, parameters = self._asked(request)
        for parameter in parameters:
            raise WrongParameter(f'Parameter {parameter} is not supported: a model is loaded as '
                                 'its archive says.')
        models = self._server.models
        if name in models.parked:
            self._jobs.resume(name)
            return _done()
        location = in_thread(partial(self._server.store.named, name))
        if location is not None and name in models:
            self._jobs.replace(name, location, ModelOptions(), True)
        elif location is not None:
            self._jobs.register(name, location, ModelOptions(), True, True)
        elif name not in models:
            raise NotRegistered(f'Model not found: {name}: it is not loaded, and the model store '
                                '(--model-store) has no archive of this name.')
        return _done()

    def unload(self, request: HTTPRequest) -> HTTPResponse:
        """``POST /v2/repository/models/NAME/unload``: its workers end, and its files stay."""
        name, _ = self._asked(request)
        self._jobs.scale(name, 0, None, True)
        return _done()

    def _asked(self, request: HTTPRequest) -> tuple[str, dict[str, Any]]:
        if self._server.lifecycle.state is ServerState.LOADING:
            raise NotNow('The models that the server was started with are still being loaded.')
        parameters = object_in(request, self._server.budget).get('parameters', {})
        if not isinstance(parameters, dict):
            raise WrongParameter('The parameters of the request are no object.')
        return request.parameters['model_name'], parameters


def open_inference_routes(server: Server, jobs: ModelJobs, monitor: Monitor,
                          tally: Tally) -> list[Route]:
    """What a client of the Open Inference Protocol asks of the management port."""
    repository = Repository(monitor, lambda: server.models.unloaded, server.budget)
    api = RepositoryAPI(server, jobs)
    return [
        *model_routes(Known(server.models, monitor), MANAGE),
        *statistics_routes(server.models, tally, MANAGE),
        Route(('POST',), f'{REPOSITORY}index', repository.index, told=INDEX),
        Route(('POST',), f'{_CONTROL}/load', api.load, told=CHANGES['load']),
        Route(('POST',), f'{_CONTROL}/unload', api.unload, told=CHANGES['unload']),
    ]


def _done() -> HTTPResponse:
    return json_response(200, {})
