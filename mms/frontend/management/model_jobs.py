"""What clients of the management port have done to models: each in a greenlet of its own, which
goes on whether or not the client waits for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Optional, Protocol

import gevent
from gevent.event import AsyncResult

from mms.archive.json_file import brief
from mms.archive.location import Location
from mms.config.models import name_fault
from mms.errors import MMSError, RequestError, StartupError
from mms.event_loop.in_thread import in_thread
from mms.frontend.management.errors import (
    NotNow,
    NotStarted,
    WrongParameter,
    already_registered,
    not_opened,
    not_registered,
    not_started,
)
from mms.log import request_ids
from mms.pool.supervisor import Supervisor
from mms.serving.load_failures import LoadFailures
from mms.serving.model_factory import OpenedModel
from mms.serving.model_options import ModelOptions
from mms.serving.registry import Registry
from mms.serving.served_model import ServedModel

logger = logging.getLogger(__name__)

# As long as MMS 1.x waits for a worker.
_SCALING_PATIENCE_S = 120.0
_POLL_S = 0.05
# More than any server has models; each waits for those before it.
_MOST_JOBS = 1000
# A replacement that takes longer to load may never end: it gives way to the next one.
_LONG_LOAD_S = 60.0


class _GivenWay(gevent.GreenletExit):  # type: ignore[misc]  # gevent has no types
    """A replacement is not loaded any more, since another one is to be."""


class Loader(Protocol):
    """Brings archives here, and has them served."""

    @property
    def failures(self) -> LoadFailures:
        """What could not be loaded, and has not been since."""

    def open(self, name: Optional[str], location: Location, options: ModelOptions) -> OpenedModel:
        """Bring an archive here, and check it; its own name where none is given."""

    def add(self, opened: OpenedModel) -> ServedModel:
        """Load a model, and serve it."""

    def put_in_place(self, opened: OpenedModel) -> None:
        """Load a model, and serve it in the place of the one of its name."""


class Loading(NamedTuple):
    """A model that is being loaded.

    Attributes
    ----------
    name
        Its endpoint.
    location
        Where its archive lies, as messages may show it.
    is_new
        Whether none of its name is served.
    options
        What is asked for it.
    since
        When that began, in monotonic seconds.
    """

    name: str
    location: str
    is_new: bool
    options: ModelOptions
    since: float = 0.0


class ModelJobs:
    """Changes of models; one at a time of each.

    Parameters
    ----------
    models
        Those that are served.
    loader
        Brings more.
    drain_timeout_s
        Requests of a model that is removed are given up after that long.
    """

    def __init__(self, models: Registry, loader: Loader, drain_timeout_s: float) -> None:
        self._models = models
        self._loader = loader
        self._drain_timeout_s = drain_timeout_s
        self._jobs: dict[gevent.Greenlet, Loading] = {}
        self._is_stopped = False

    @property
    def loading(self) -> Collection[Loading]:
        """What is being loaded now."""
        return tuple(self._jobs.values())

    def register(self, name: Optional[str], location: Location, options: ModelOptions,
                 with_workers: bool, wait: bool) -> str:
        """Have another model; its name. The archive is here, and can be used, when this returns.

        Parameters
        ----------
        name
            Its endpoint; None for the name that its archive has.
        with_workers
            Whether it is to be served.
        wait
            Whether to return when it is.

        Raises
        ------
        RequestError
            It is not served; nothing of it is left.
        """
        if name is not None:
            self._check_free(name)
        serve = self._loader.add if with_workers else self._models.park
        loading = Loading(name or '', location.listed, True, options)
        return self._open_and(serve, loading, name, location, options, wait or not with_workers)

    def replace(self, name: str, location: Location, options: ModelOptions, wait: bool) -> None:
        """Serve a model in the place of the one of its name; as :meth:`register`.

        Raises
        ------
        RequestError
            It is not served; the old one is, as before.
        """
        self._check_known(name)
        self._give_way(name)
        loading = Loading(name, location.listed, False, options)
        self._open_and(self._loader.put_in_place, loading, name, location, options, wait)

    def scale(self, name: str, workers: int, most: Optional[int], wait: bool) -> bool:
        """Have another number of workers; whether all are there, where it is to `wait`.

        Raises
        ------
        RequestError
        """
        self._check_known(name)
        before = self._jobs_of(name)
        location = self._models.parked[name].location if name in self._models.parked else ''
        loading = Loading(name, location, name not in self._models.names,
                          ModelOptions(workers or None, most))
        job = self._start(loading, self._scale, name, workers, most, before)
        if not wait:
            return True
        self._outcome(job, name)
        # Not a part of the job: whoever wants another number has not to wait for this one.
        return not workers or self._are_there(name, workers)

    def resume(self, name: str) -> None:
        """Have a model that has no worker loaded, with as many as it had, or is to have.

        Raises
        ------
        RequestError
        """
        self._check_known(name)
        parked = self._models.parked.get(name)
        if parked is None:
            return
        before, wanted = self._jobs_of(name), parked.options
        job = self._start(Loading(name, parked.location, True, wanted), self._scale, name,
                          wanted.workers, wanted.max_workers, before)
        self._outcome(job, name)

    def unregister(self, name: str) -> None:
        """Serve a model no more, once it has answered what it has; one that is being loaded is
        given up.

        Raises
        ------
        RequestError
        """
        self._check_goes_on()
        known = self._loader.failures.of(name) is not None
        for job in self._jobs_of(name):
            known = True
            job.kill()
        self._loader.failures.forget(name)
        if name in self._models:
            try:
                self._models.remove(name, self._drain_timeout_s)
            except MMSError as error:
                raise not_started(name, error) from error
        elif not known:
            raise not_registered(name)

    def stop(self) -> None:
        """Give up what is being loaded: the server stops."""
        self._is_stopped = True
        gevent.killall(list(self._jobs), block=False)

    def _open_and(self, serve: Callable[[OpenedModel], object], loading: Loading,
                  name: Optional[str], location: Location, options: ModelOptions,
                  wait: bool) -> str:
        opened = AsyncResult()
        job = self._start(loading, self._load, name, location, options, serve, opened)
        job.link(lambda ended: self._tell_end(ended, loading.name, opened))
        served_name = loading.name
        try:
            served_name = opened.get()
            if wait:
                self._outcome(job, served_name)
        except RequestError:
            # Who asked is told.
            if loading.is_new:
                self._loader.failures.forget(served_name)
            raise
        return served_name

    def _load(self, name: Optional[str], location: Location, options: ModelOptions,
              serve: Callable[[OpenedModel], object], opened: AsyncResult) -> None:
        try:
            model = self._loader.open(name, location, options)
        except StartupError as error:
            raise not_opened(error) from error
        if name is None:
            self._take_name(model)
        opened.set(model.name)
        try:
            serve(model)
        except MMSError as error:
            raise not_started(model.name, error) from error

    def _take_name(self, opened: OpenedModel) -> None:
        """Of a model that is named as its archive says."""
        try:
            self._check_free(opened.name)
        except MMSError:
            in_thread(opened.discard)
            raise
        job = gevent.getcurrent()
        self._jobs[job] = self._jobs[job]._replace(name=opened.name)

    def _scale(self, name: str, workers: Optional[int], most: Optional[int],
               before: list[gevent.Greenlet]) -> None:
        """Have another number of workers, after other changes of the model."""
        gevent.wait(before)
        try:
            if workers == 0:
                self._models.stop_workers(name, self._drain_timeout_s)
                logger.info('Model %s has no workers, as was asked for: requests to it are '
                            'answered 503 until it has some.', name)
            else:
                self._models.scale(name, workers, most)
        except MMSError as error:
            failure = not_started(name, error)
            if name in self._models.parked:
                self._loader.failures.add(name, self._models.parked[name].location, str(failure))
            raise failure from error
        self._loader.failures.forget(name)

    def _start(self, loading: Loading, work: Callable[..., object],
               *arguments: object) -> gevent.Greenlet:
        self._check_goes_on()
        if len(self._jobs) >= _MOST_JOBS:
            raise NotNow(f'{_MOST_JOBS} changes of models are under way, and no more are taken.')
        job = gevent.spawn(_about, request_ids.current(), work, *arguments)
        self._jobs[job] = loading._replace(since=time.monotonic())
        job.link(self._jobs.pop)
        return job

    def _outcome(self, job: gevent.Greenlet, name: str) -> None:
        """Wait for a job; raise what it has raised."""
        job.join()
        if not job.successful():
            raise job.exception
        if isinstance(job.value, gevent.GreenletExit):
            raise self._given_up(name, job)

    def _tell_end(self, job: gevent.Greenlet, name: str, opened: AsyncResult) -> None:
        if not opened.ready():
            opened.set_exception(job.exception or self._given_up(name, job))

    def _give_way(self, name: str) -> None:
        """Give up replacements of a model that have been loading for long."""
        before = time.monotonic() - _LONG_LOAD_S
        for job in self._jobs_of(name):
            loading = self._jobs[job]
            if loading.location and not loading.is_new and loading.since < before:
                job.kill(_GivenWay, block=False)

    def _given_up(self, name: str, job: gevent.Greenlet) -> MMSError:
        if self._is_stopped:
            return NotNow(f'Model {name} is not loaded: the server stops.')
        if isinstance(job.value, _GivenWay):
            return NotStarted(f'Model {name} is not replaced: it was still being loaded when '
                              'another replacement was asked for.')
        return NotStarted(f'Model {name} is not loaded: it was unregistered meanwhile.')

    def _jobs_of(self, name: str) -> list[gevent.Greenlet]:
        return [job for job, loading in self._jobs.items() if loading.name == name]

    def _check_free(self, name: str) -> None:
        fault = name_fault(name)
        if fault:
            raise WrongParameter(f'The name {brief(repr(name))} {fault}.')
        is_coming = any(loading.name == name for loading in self._jobs.values())
        if name in self._models or is_coming:
            raise already_registered(name)

    def _check_known(self, name: str) -> None:
        self._check_goes_on()
        if name not in self._models and not self._jobs_of(name):
            raise not_registered(name)

    def _check_goes_on(self) -> None:
        if self._is_stopped:
            raise NotNow('The server stops, and changes no model any more.')

    def _are_there(self, name: str, workers: int) -> bool:
        """Wait until a model, or the one that replaces it, has so many workers; whether that was
        soon enough.

        Raises
        ------
        RequestError
            They do not start, or the model is not served any more.
        """
        with gevent.Timeout(_SCALING_PATIENCE_S, False):
            while not _has_workers(self._served(name), workers):
                gevent.sleep(_POLL_S)
            return True
        return False

    def _served(self, name: str) -> Supervisor:
        self._check_goes_on()
        try:
            return self._models[name].workers
        except RequestError as error:
            raise not_started(name, error) from error


def _has_workers(workers: Supervisor, number: int) -> bool:
    if workers.agrees and len(workers.pids) >= number:
        return True
    if workers.failure:
        raise NotStarted(f'Failed to start workers: {workers.failure}')
    return False


def _about(requests: Sequence[request_ids.Named], work: Callable[..., object],
           *arguments: object) -> object:
    """Have what a job logs be about the request that has asked for it."""
    for request in requests:
        request_ids.begin(request)
    return work(*arguments)
