"""Models that can be served, from archives that were opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple, Optional

from mms.archive.reader import LoadedModel
from mms.config.settings import Settings
from mms.devices.device import Device, VisibleGPUs
from mms.ipc.messages import Load
from mms.metrics.observer import Observer, Unobserved
from mms.pool.launcher import Launcher
from mms.pool.settings import PoolSettings
from mms.pool.supervisor import Supervisor
from mms.runtime.byte_budget import ByteBudget
from mms.runtime.model_identity import Identity
from mms.runtime.resources import Resources
from mms.serving.batch import Limits
from mms.serving.extracted_files import ExtractedFiles
from mms.serving.model_options import ModelOptions
from mms.serving.placement import Placement
from mms.serving.served_model import ServedModel


class OpenedModel(NamedTuple):
    """A model that can be served.

    Attributes
    ----------
    loaded
        Its archive, opened.
    location
        Where the archive came from, for messages.
    discard
        Removes its files when it is served no more; may block.
    options
        What is asked for it. Where it replaces another, that one's hold as far as they say nothing.
    """

    loaded: LoadedModel
    location: str = 'its archive'
    discard: Callable[[], None] = lambda: None
    options: ModelOptions = ModelOptions()

    @property
    def name(self) -> str:
        """Its endpoint."""
        return self.loaded.service_name


class ModelFactory:
    """Makes models as the settings ask for them.

    Parameters
    ----------
    settings
        The server's settings.
    visible_gpus
        What MXNet sees of GPUs; of no matter where none is wanted.
    resources
        What the machine has.
    budget
        Where the answers count that are held.
    observer
        Is told of batches and restarts.
    identity
        Who the processes of the models are.
    launcher
        Forks them; None where each that loads a model is a Python of its own.
    """

    def __init__(self, settings: Settings, visible_gpus: VisibleGPUs, resources: Resources,
                 budget: ByteBudget, observer: Optional[Observer] = None,
                 identity: Optional[Identity] = None,
                 launcher: Optional[Launcher] = None) -> None:
        self._settings = settings
        self._observer = observer or Unobserved()
        self._placement = Placement(visible_gpus)
        self._pool = PoolSettings(
            resources, max_requests=settings.max_requests_per_worker,
            max_memory_bytes=settings.max_worker_memory_bytes, optimize=settings.optimize,
            identity=identity or Identity(), budget=budget, observer=self._observer,
            launcher=launcher)
        self.files = ExtractedFiles()

    def workers_of(self, name: str, options: ModelOptions) -> Optional[int]:
        """How many workers a model is to have, at most where the load decides; None to choose."""
        if options.fewest_workers is not None:
            return options.max_workers
        return options.least_workers or self._settings.workers_of(name)

    def place(self, name: str, options: ModelOptions) -> Sequence[Device]:
        """Give the workers of a model their devices; those that it had are free again.

        Raises
        ------
        UsageError
            A GPU is wanted that MXNet does not see.
        """
        return self._placement.take(name, self._settings.devices_of(name),
                                    self.workers_of(name, options))

    @contextmanager
    def placed(self, name: str, options: ModelOptions) -> Iterator[Sequence[Device]]:
        """As :meth:`place`; where the body raises, the model has what it had before."""
        before = self._placement.of(name)
        try:
            yield self.place(name, options)
        except BaseException:
            self._placement.put_back(name, before)
            raise

    def give_back(self, name: str) -> None:
        """A model needs its devices no more."""
        self._placement.give_back(name)

    def make(self, opened: OpenedModel, devices: Sequence[Device], threads: Callable[[], int],
             on_change: Callable[[ServedModel], None], later: bool = False) -> ServedModel:
        """A model that is not loaded yet.

        Parameters
        ----------
        later
            Whether it may be measured once it is served.
        """
        name, options = opened.name, opened.options
        pool = replace(self._pool, workers=self.workers_of(name, options),
                       fewest_workers=options.fewest_workers, devices=devices,
                       models=self._placement.models)
        load = replace(_load(opened, self._settings), later=later)
        workers = Supervisor(load, pool, self.files.keep(opened.loaded))
        return ServedModel(opened.loaded, opened.location, workers, options,
                           _limits(options, self._settings), threads, on_change,
                           self._observer)


def _limits(options: ModelOptions, settings: Settings) -> Limits:
    timeout_s, delay_s = options.request_timeout_s, options.max_batch_delay_s
    return Limits(settings.queue_size,
                  settings.request_timeout_s if timeout_s is None else timeout_s,
                  settings.max_batch_delay_ms / 1000 if delay_s is None else delay_s)


def _load(opened: OpenedModel, settings: Settings) -> Load:
    model = opened.loaded
    service_file = settings.service or os.path.join(
        model.model_dir, model.manifest['Model']['Service'])
    return Load(
        endpoint=model.service_name, model_name=model.model_name, model_dir=model.model_dir,
        manifest=model.manifest, service_file=os.path.abspath(service_file), device=None,
        max_image_pixels=settings.max_image_pixels, max_form_fields=settings.max_form_fields,
        batch_size=opened.options.batch_size or settings.batch_size, strict=settings.strict,
        report_memory=settings.max_worker_memory_bytes > 0)
