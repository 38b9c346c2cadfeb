"""All models of a server: loaded side by side, asked by name."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Callable, Optional

import gevent
from gevent.pool import Group

from mms.archive.location import redacted
from mms.archive.reader import LoadedModel
from mms.config.settings import Settings
from mms.devices.device import Sight
from mms.errors import ServiceError
from mms.event_loop.guard import FAULTS, report
from mms.event_loop.uninterrupted import uninterrupted
from mms.ipc.messages import Load, Reply, Request
from mms.pool.sizing import threads_for
from mms.pool.starter import Staffing
from mms.pool.supervisor import Supervisor
from mms.runtime.byte_budget import Room
from mms.runtime.resources import Resources, usable
from mms.serving.extracted_files import Files
from mms.serving.measuring_turns import Turns
from mms.serving.placement import lay_out
from mms.serving.scheduler import Limits, Scheduler

logger = logging.getLogger(__name__)


class LocalModels:
    """The models of this process's event loop.

    Parameters
    ----------
    opened
        The models' archives, opened.
    settings
        The server's settings.
    sight
        What MXNet sees of GPUs; of no matter where none is wanted.
    room
        Where the answers count that are held.

    Raises
    ------
    UsageError
        A GPU is wanted that MXNet does not see.
    """

    def __init__(self, opened: Sequence[LoadedModel], settings: Settings,
                 sight: Sight, room: Room) -> None:
        self._resources = usable()
        staffing = _staffing(settings, len(opened), self._resources, room)
        names = [model.service_name for model in opened]
        devices = lay_out({name: settings.devices_of(name) for name in names},
                          {name: settings.workers_of(name) for name in names}, sight)
        self._files = Files(opened)
        self._workers = {
            model.service_name: Supervisor(_load(model, settings), replace(
                staffing, workers=settings.workers_of(model.service_name),
                devices=devices[model.service_name]), self._files.check_of(model.service_name))
            for model in opened
        }
        self._limits = Limits(settings.queue_size, settings.request_timeout_s,
                              settings.max_batch_delay_ms / 1000)
        self._locations = dict(settings.models)
        self._folders = {model.service_name: model.model_dir for model in opened}
        self._schedulers: dict[str, Scheduler] = {}
        self._turns = Turns(len(opened))
        self.names = list(self._workers)

    def start(self, on_ready: Optional[Callable[[str], None]] = None) -> None:
        """Load all models side by side and wait for them.

        Parameters
        ----------
        on_ready
            Called with a model's name when it is loaded.

        Raises
        ------
        ServiceError
            The first model that does not load; the others are stopped.
        """
        starts = Group()
        greenlets = [starts.spawn(self._start_one, name, on_ready) for name in self.names]
        try:
            gevent.joinall(greenlets, raise_error=True)
        except BaseException:
            # Why it does not start says more than that it was stopped meanwhile.
            with suppress(gevent.GreenletExit):
                uninterrupted(lambda: self._give_up_start(starts))
            raise
        self._files.watch()

    def _give_up_start(self, starts: Group) -> None:
        starts.kill()
        self.stop()

    def signature(self, name: str) -> Mapping[str, Any]:
        """Live signature of a model."""
        return self._workers[name].signature

    @property
    def unseen(self) -> list[str]:
        """Names of those that have not answered what their signature lets one make up."""
        return [name for name, workers in self._workers.items() if not workers.ready.seen]

    def predict(self, name: str, request: Request,
                client_left: Callable[[], bool] = lambda: False) -> Reply:
        """Answer one request; see :meth:`Scheduler.predict`."""
        return self._schedulers[name].predict(request, client_left)

    def ill_health(self) -> dict[str, str]:
        """Name of each model that cannot answer -> why."""
        asked = {name: gevent.spawn(_ill_health, name, scheduler)
                 for name, scheduler in self._schedulers.items()}
        gevent.joinall(list(asked.values()))
        return {name: greenlet.value for name, greenlet in asked.items() if greenlet.value}

    def give_up(self) -> None:
        """Answer every request that has no answer yet, and end the workers at once."""
        for scheduler in self._schedulers.values():
            scheduler.give_up()
        gevent.joinall([gevent.spawn(workers.kill) for workers in self._workers.values()])

    def stop(self) -> None:
        """End every worker; call it when no request is in flight."""
        self._files.stop()
        for scheduler in self._schedulers.values():
            scheduler.stop()
        gevent.joinall([gevent.spawn(workers.stop) for workers in self._workers.values()])

    def _start_one(self, name: str, on_ready: Optional[Callable[[str], None]]) -> None:
        workers = self._workers[name]
        began = time.monotonic()
        turn = self._turns.turn()
        if workers.on_devices:
            # Nothing is measured there, and it may take minutes.
            turn.arrive()
        try:
            workers.start(turn.take)
            workers.settle()
        except ServiceError as error:
            where = redacted(self._locations.get(name, 'its archive'))
            # The files of an archive lie in a folder that is gone when this is read.
            reason = str(error).replace(os.path.join(self._folders[name], ''), '')
            raise ServiceError(f'model {name} from {where} cannot be served: {reason}') from error
        finally:
            turn.leave()
        self._schedulers[name] = Scheduler(workers, self._limits, self._threads)
        logger.info('Model %s is loaded after %.1f s: %s, %s.', name, time.monotonic() - began,
                    workers.ready.service_class, _described(workers))
        if on_ready is not None:
            on_ready(name)

    def _threads(self) -> int:
        """On how many threads a worker had best compute while the load is what it is."""
        peak = sum(min(scheduler.demand.peak(), self._workers[name].crew.workers)
                   for name, scheduler in self._schedulers.items())
        workers = sum(workers.crew.workers for workers in self._workers.values())
        return threads_for(peak, workers, self._resources)


def _ill_health(name: str, scheduler: Scheduler) -> str:
    try:
        return scheduler.ill_health()
    except FAULTS as error:
        report(f'the health of model {name}')
        return f'its health cannot be told ({type(error).__name__}: {error})'


def _staffing(settings: Settings, models: int, resources: Resources, room: Room) -> Staffing:
    return Staffing(resources, models=models,
                    max_requests=settings.max_requests_per_worker,
                    max_memory_bytes=settings.max_worker_memory_bytes, optimize=settings.optimize,
                    room=room)


def _described(workers: Supervisor) -> str:
    """How a model is served, and why so."""
    crew, batch_size = workers.crew, workers.ready.batch_size
    number = f'{crew.workers} worker{"s" * (crew.workers != 1)}'
    threads = f' of {crew.threads} thread{"s" * (crew.threads != 1)}' if crew.threads else ''
    wide = f', one of {crew.wide} for a lone request' if crew.wide else ''
    together = f'up to {batch_size} requests together' if batch_size > 1 else \
        'one request at a time'
    return f'{number}{threads}{wide} ({crew.why}), {together}'


def _load(model: LoadedModel, settings: Settings) -> Load:
    service_file = settings.service or os.path.join(
        model.model_dir, model.manifest['Model']['Service'])
    return Load(
        endpoint=model.service_name, model_name=model.model_name, model_dir=model.model_dir,
        manifest=model.manifest, service_file=os.path.abspath(service_file), device=None,
        max_image_pixels=settings.max_image_pixels,
        batch_size=settings.batch_size, strict=settings.strict,
        weigh=settings.max_worker_memory_bytes > 0)
