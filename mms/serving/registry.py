"""The models of a server: added, replaced, scaled and removed while it answers, asked by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Optional

import gevent

from mms.config.settings import Settings
from mms.devices.device import VisibleGPUs
from mms.errors import ServiceError
from mms.event_loop.guard import attempt
from mms.event_loop.in_thread import in_thread
from mms.event_loop.uninterrupted import uninterrupted
from mms.ipc.request import Reply, Request
from mms.metrics.observer import Observer
from mms.pool.launcher import Launcher
from mms.pool.sizing import threads_for
from mms.runtime.byte_budget import ByteBudget
from mms.runtime.model_identity import Identity
from mms.runtime.resources import usable
from mms.serving.autoscaler import Autoscaler
from mms.serving.caller import Caller
from mms.serving.events import Change, Event, Events, Listener
from mms.serving.findings_store import FindingsStore, cache_folder
from mms.serving.measuring import Measuring
from mms.serving.measuring_turns import MeasuringTurns
from mms.serving.model_factory import ModelFactory, OpenedModel
from mms.serving.model_loads import ModelLoads
from mms.serving.model_locks import ModelLocks
from mms.serving.model_state import ModelState
from mms.serving.model_table import ModelTable
from mms.serving.served_model import ServedModel


class Registry:
    """The models of this process's event loop.

    Parameters
    ----------
    settings
        The server's settings.
    visible_gpus
        What MXNet sees of GPUs; of no matter where none is wanted.
    budget
        Where the answers count that are held.
    observer
        Is told of batches and restarts.
    identity
        Who the processes of the models are; None for the user of this one.
    launcher
        Forks them; None where each that loads a model is a Python of its own.
    """

    def __init__(self, settings: Settings, visible_gpus: VisibleGPUs, budget: ByteBudget,
                 observer: Optional[Observer] = None,
                 identity: Optional[Identity] = None,
                 launcher: Optional[Launcher] = None) -> None:
        self._resources = usable()
        self._factory = ModelFactory(settings, visible_gpus, self._resources, budget, observer,
                                     identity, launcher)
        self._turns = MeasuringTurns()
        self._locks = ModelLocks()
        self._events = Events()
        self._table = ModelTable()
        self._loads = ModelLoads(self._factory, self._table, self._turns, self._threads,
                                 lambda model: self._publish(Change.STATE, model))
        self._autoscaler = Autoscaler(lambda: list(self._table.served.values()))
        self._is_stopped = False
        self._measuring = Measuring(
            self._turns, lambda: sum(model.workers.busy for model in self.models),
            self._store(settings, identity or Identity()),
            lambda model: self._publish(Change.MEASURED, model))

    @property
    def names(self) -> Sequence[str]:
        """Names of the endpoints, in the order in which they came."""
        return tuple(self._table.served)

    @property
    def revision(self) -> int:
        """A number that grows whenever a model comes, is replaced, or goes."""
        return self._table.revision

    @property
    def models(self) -> Sequence[ServedModel]:
        """All models: those that are served, and those that load or drain."""
        return self._table.all

    @property
    def coming(self) -> Sequence[ServedModel]:
        """Those that load."""
        return self._table.coming

    @property
    def untried(self) -> list[str]:
        """Names of those that have not answered what their signature lets one make up."""
        return [name for name, model in self._table.served.items()
                if not model.workers.ready.answers_samples]

    @property
    def parked(self) -> Mapping[str, OpenedModel]:
        """Those that have no worker, and load when they are given some."""
        return self._table.parked

    @property
    def unloaded(self) -> Sequence[str]:
        """Names of those that have no worker; none is served at the same time."""
        return tuple(name for name in self.parked if name not in self._table.served)

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def __getitem__(self, name: str) -> ServedModel:
        """A model that is served.

        Raises
        ------
        ModelNotFound, ModelUnavailable
        """
        return self._table[name]

    def subscribe(self, listener: Listener) -> None:
        """Have `listener` called with each event from now on; it must not wait for anything."""
        self._events.subscribe(listener)

    def signature(self, name: str) -> Mapping[str, Any]:
        """Live signature of a model.

        Raises
        ------
        ModelNotFound
        """
        return self[name].signature

    def submit(self, name: str, request: Request, caller: Optional[Caller] = None) -> Reply:
        """Answer one request; see :meth:`Scheduler.submit`.

        Raises
        ------
        ModelNotFound, RequestError
        """
        return self[name].submit(request, caller)

    def ill_health(self) -> dict[str, str]:
        """Name of each model that cannot answer -> why."""
        asked = {name: gevent.spawn(model.ill_health) for name, model in self._table.served.items()}
        gevent.joinall(list(asked.values()))
        return {name: greenlet.value for name, greenlet in asked.items() if greenlet.value}

    def start(self, opened: Sequence[OpenedModel],
              on_ready: Callable[[str], None] = lambda name: None) -> None:
        """Load models side by side, wait for them, and serve them.

        Parameters
        ----------
        on_ready
            Called with a model's name when it is loaded.

        Raises
        ------
        UsageError
            A GPU is wanted that MXNet does not see.
        ServiceError
            The first model that does not load; the others are stopped.
        """
        try:
            models = self._loads.load_all(opened, on_ready)
        except BaseException:
            # Why it does not start says more than that it was stopped meanwhile.
            with suppress(gevent.GreenletExit):
                uninterrupted(self.stop)
            raise
        for one, model in zip(opened, models):
            self._serve(one, model, Change.ADDED)

    def add(self, opened: OpenedModel) -> ServedModel:
        """Load another model, and serve it. Whatever is raised, nothing of it is left.

        Raises
        ------
        ModelExists
            One of its name is served.
        ServiceError
            It cannot be served.
        """
        with self._discarded_unless_served(opened), self._change_of(opened.name):
            self._table.check_free(opened.name)
            return self._add(opened)

    def park(self, opened: OpenedModel) -> None:
        """Have another model that has no worker: its files are here, and no process is.

        Raises
        ------
        ModelExists
        """
        with self._discarded_unless_served(opened), self._change_of(opened.name):
            self._table.check_free(opened.name)
            self._table.parked[opened.name] = opened
            self._publish_parked(Change.PARKED, opened.name)

    def replace(self, opened: OpenedModel, drain_timeout_s: float) -> None:
        """Load a model beside the one of its name, serve it in its place, and end the old one.
        Whatever is raised before it is served, nothing of it is left. One that has no worker is
        replaced by one that has none.

        Parameters
        ----------
        drain_timeout_s
            Requests of the old one that are in flight are given up after that long.

        Raises
        ------
        ModelNotFound
            None of its name is served.
        ServiceError
            It cannot be served; the old one is, as before.
        """
        with self._discarded_unless_served(opened), self._change_of(opened.name):
            if opened.name in self._table.parked:
                self._replace_parked(opened)
                return
            old = self[opened.name]
            new = opened._replace(options=opened.options.over(old.options))
            model = self._loads.load(new, old)
            self._serve(new, model, Change.REPLACED)
            uninterrupted(lambda: self._end(old, drain_timeout_s))

    def remove(self, name: str, drain_timeout_s: float) -> None:
        """Serve a model no more: it answers what it has, and ends.

        Raises
        ------
        ModelNotFound
        ServiceError
            The server stops.
        """
        with self._change_of(name):
            if name in self._table.parked:
                opened = self._table.parked.pop(name)
                self._publish_parked(Change.REMOVED, name)
                uninterrupted(lambda: _discard(opened))
                return
            model = self[name]
            uninterrupted(lambda: self._remove(model, drain_timeout_s))

    def stop_workers(self, name: str, drain_timeout_s: float) -> None:
        """End the processes of a model, which answers what it has, and is there without workers
        from then on.

        Raises
        ------
        ModelNotFound, ServiceError
        """
        with self._change_of(name):
            if name in self._table.parked:
                return
            model = self[name]
            self._table.parked[name] = self._table.opened(model)._replace(options=model.options)
            uninterrupted(lambda: self._remove(model, drain_timeout_s))

    def scale(self, name: str, workers: Optional[int], max_workers: Optional[int] = None) -> None:
        """Give a model another number of workers, while it answers; the one that replaces it has
        as many. One that has none is loaded.

        Parameters
        ----------
        workers
            How many at least; None for what the settings say.
        max_workers
            How many it may have while many requests wait; None for no more.

        Raises
        ------
        ModelNotFound, ServiceError
        """
        with self._change_of(name):
            if name in self._table.parked:
                self._load_parked(name, workers, max_workers)
                return
            model = self[name]
            options = replace(model.options, workers=workers, max_workers=max_workers)
            with self._factory.placed(name, options) as devices:
                model.scale(options, self._factory.workers_of(name, options), devices)
            self._let_scale(model)
            self._publish(Change.SCALED, model)

    def give_up(self) -> None:
        """Answer every request that has no answer yet, and end the workers at once."""
        self._measuring.stop()
        gevent.joinall([gevent.spawn(model.give_up) for model in self.models])

    def stop(self) -> None:
        """End every worker, loaded or not, and change no model any more; call it when no request
        is in flight.
        """
        self._is_stopped = True
        self._loads.stop()
        self._autoscaler.stop()
        self._measuring.stop()
        self._factory.files.stop()
        gevent.joinall([gevent.spawn(model.stop) for model in self.models])

    @contextmanager
    def _change_of(self, name: str) -> Iterator[None]:
        """Nobody else changes that model meanwhile; once all are stopped, nobody does."""
        with self._locks.hold(name):
            if self._is_stopped:
                raise ServiceError(f'model {name} is not changed: the server stops')
            yield

    @contextmanager
    def _discarded_unless_served(self, opened: OpenedModel) -> Iterator[None]:
        try:
            yield
        except BaseException:
            if not self._table.needs(opened):
                uninterrupted(lambda: _discard(opened))
            raise

    def _add(self, opened: OpenedModel) -> ServedModel:
        model = self._loads.load(opened)
        self._serve(opened, model, Change.ADDED)
        return model

    def _replace_parked(self, opened: OpenedModel) -> None:
        old = self._table.parked[opened.name]
        self._table.parked[opened.name] = opened._replace(options=opened.options.over(old.options))
        uninterrupted(lambda: _discard(old))

    def _load_parked(self, name: str, workers: Optional[int], most: Optional[int]) -> None:
        parked = self._table.parked[name]
        options = replace(parked.options, workers=workers, max_workers=most)
        self._add(parked._replace(options=options))
        del self._table.parked[name]

    def _serve(self, opened: OpenedModel, model: ServedModel, change: Change) -> None:
        """Let requests find a model, in the place of the one of its name."""
        self._table.serve(opened, model)
        self._let_scale(model)
        self._publish(change, model)
        self._measuring.begin(model)

    def _let_scale(self, model: ServedModel) -> None:
        """Let the load decide how many workers a model has, where that is asked for."""
        if model.options.fewest_workers is not None:
            self._autoscaler.begin()

    def _remove(self, model: ServedModel, drain_timeout_s: float) -> None:
        self._table.withdraw(model)
        self._end(model, drain_timeout_s)
        self._factory.give_back(model.name)
        self._publish(Change.PARKED if model.name in self._table.parked else Change.REMOVED, model)

    def _end(self, model: ServedModel, drain_timeout_s: float) -> None:
        self._measuring.end(model)
        model.drain(drain_timeout_s)
        self._loads.end(model)
        opened = self._table.take_opened(model)
        if not self._table.needs(opened):
            _discard(opened)

    def _store(self, settings: Settings, identity: Identity) -> Optional[FindingsStore]:
        folder = cache_folder(os.environ) if settings.cache else None
        if folder is None:
            return None
        return FindingsStore(folder, self._resources, identity.environment())

    def _threads(self) -> int:
        """On how many threads a worker had best compute while the load is what it is."""
        # One that drains has requests, too.
        models = self.models
        return threads_for(sum(model.busy_workers for model in models),
                           sum(model.workers.size.workers for model in models), self._resources)

    def _publish(self, change: Change, model: ServedModel) -> None:
        self._events.publish(Event(change, model.name, model.state, model.reason))

    def _publish_parked(self, change: Change, name: str) -> None:
        self._events.publish(Event(change, name, ModelState.GONE, ''))


def _discard(opened: OpenedModel) -> None:
    attempt(f'the files of model {opened.name}', in_thread, opened.discard)
