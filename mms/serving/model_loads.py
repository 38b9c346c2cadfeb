"""Loads models beside those that are served, and ends their processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Optional

import gevent
from gevent.pool import Group

from mms.devices.device import Device
from mms.errors import ServiceError
from mms.event_loop.uninterrupted import uninterrupted
from mms.serving.measuring_turns import MeasuringTurns, Turn
from mms.serving.model_factory import ModelFactory, OpenedModel
from mms.serving.model_table import ModelTable
from mms.serving.served_model import ServedModel

# A model that is added is measured beside another that has loaded for longer: that may hang.
_PATIENCE_S = 60.0


class ModelLoads:
    """The models that load.

    Parameters
    ----------
    factory
        Makes them.
    table
        Where they are seen while they load.
    turns
        Which of them is measured next.
    threads
        On how many threads a worker had best compute while the load is what it is.
    on_change
        Called with a model whose state has changed.
    """

    def __init__(self, factory: ModelFactory, table: ModelTable, turns: MeasuringTurns,
                 threads: Callable[[], int], on_change: Callable[[ServedModel], None]) -> None:
        self._factory = factory
        self._table = table
        self._turns = turns
        self._threads = threads
        self._on_change = on_change
        self._running = Group()
        self._is_stopped = False

    def load_all(self, opened: Sequence[OpenedModel],
                 on_ready: Callable[[str], None]) -> list[ServedModel]:
        """Load models side by side, and wait for them.

        Parameters
        ----------
        on_ready
            Called with a model's name when it is loaded.

        Raises
        ------
        UsageError
            A GPU is wanted that MXNet does not see.
        ServiceError
            The first model that does not load; those that did are still there.
        """
        devices = [self._factory.place(one.name, one.options) for one in opened]
        models = [self._make(one, its, later=True) for one, its in zip(opened, devices)]
        turns = [self._turns.turn() for _ in models]
        loads = [self._running.spawn(_load, model, turn, on_ready)
                 for model, turn in zip(models, turns)]
        gevent.joinall(loads, raise_error=True)
        self._factory.files.watch()
        return models

    def load(self, opened: OpenedModel, old: Optional[ServedModel] = None) -> ServedModel:
        """A model that is loaded, and that no request finds yet; ready for the load of `old`.

        Raises
        ------
        ServiceError
            It does not load; nothing of its processes is left.
        """
        with self._factory.placed(opened.name, opened.options) as devices:
            # Who takes over from another under load has to do as well from the first request.
            model = self._make(opened, devices, later=old is None)
            load = self._running.spawn(_load, model, self._turns.turn(_PATIENCE_S))
            try:
                load.get()
                if old is not None and not self._is_stopped:
                    model.workers.match(old.workers)
                if self._is_stopped:
                    raise ServiceError(f'model {model.name} is not loaded: the server stops')
            except BaseException:
                uninterrupted(lambda: self._give_up(model, load))
                raise
        self._factory.files.watch()
        return model

    def end(self, model: ServedModel) -> None:
        """End the processes of a model that no request finds."""
        model.stop()
        self._factory.files.forget(model.folder)
        self._table.forget(model)

    def stop(self) -> None:
        """Load none any more."""
        self._is_stopped = True
        self._running.kill()

    def _make(self, opened: OpenedModel, devices: Sequence[Device], later: bool) -> ServedModel:
        model = self._factory.make(opened, devices, self._threads, self._on_change, later)
        self._table.begin(model)
        return model

    def _give_up(self, model: ServedModel, load: gevent.Greenlet) -> None:
        load.kill()
        self.end(model)


def _load(model: ServedModel, turn: Turn,
          on_ready: Callable[[str], None] = lambda name: None) -> None:
    model.load(turn)
    on_ready(model.name)
