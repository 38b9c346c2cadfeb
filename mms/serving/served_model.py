"""One model as it is served: its workers, the queue before them, and its state."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional

from mms.archive.reader import LoadedModel
from mms.devices.device import Device
from mms.errors import ModelUnavailable, ServiceError
from mms.event_loop.guard import FAULTS, report
from mms.ipc.findings import Findings
from mms.ipc.messages import Load
from mms.ipc.request import Reply, Request
from mms.log.brief_start import IF_ROOM
from mms.metrics.observer import Observer, Unobserved
from mms.pool.supervisor import Supervisor
from mms.serving.batch import Limits
from mms.serving.caller import Caller
from mms.serving.measuring_turns import Turn
from mms.serving.model_options import ModelOptions
from mms.serving.model_state import Lifecycle, ModelState
from mms.serving.queue import QueueGauges
from mms.serving.scheduler import Scheduler

logger = logging.getLogger(__name__)


class ServedModel:
    """One model: it is loaded, answers requests, is drained and stopped.

    Parameters
    ----------
    opened
        Its archive, opened.
    location
        Where the archive came from, for messages.
    workers
        Its workers, not started yet.
    options
        What is asked for it.
    limits
        Of queue and time.
    threads
        On how many threads a worker had best compute now.
    on_change
        Called with the model after each change of its state.
    observer
        Is told of each batch.

    Attributes
    ----------
    name
        Its endpoint.
    opened, location, workers, limits
        As given.
    options
        What is asked for it now.
    """

    def __init__(self, opened: LoadedModel, location: str, workers: Supervisor,
                 options: ModelOptions, limits: Limits, threads: Callable[[], int],
                 on_change: Callable[[ServedModel], None],
                 observer: Optional[Observer] = None) -> None:
        self.name = opened.service_name
        self.folder = opened.model_dir
        self.opened = opened
        self.location = location
        self.workers = workers
        self.options = options
        self.limits = limits
        self._threads = threads
        self._observer = observer or Unobserved()
        self._lifecycle = Lifecycle(lambda: on_change(self))
        self._scheduler: Optional[Scheduler] = None

    @property
    def state(self) -> ModelState:
        """Its state, as of the last change or look at its health."""
        return self._lifecycle.state

    @property
    def reason(self) -> str:
        """Why it is degraded or has failed."""
        return self._lifecycle.reason

    @property
    def since_s(self) -> float:
        """Since when it is in its state, in seconds since the epoch."""
        return self._lifecycle.since_s

    @property
    def signature(self) -> Mapping[str, Any]:
        """Its live signature."""
        return self.workers.signature

    @property
    def scheduler(self) -> Scheduler:
        """The queue before its workers.

        Raises
        ------
        ModelUnavailable
            It is not loaded.
        """
        if self._scheduler is None:
            raise ModelUnavailable(f'Model {self.name} is {self.state.value}.')
        return self._scheduler

    @property
    def queue(self) -> QueueGauges:
        """How the queue before its workers stands."""
        return self._scheduler.gauges if self._scheduler is not None else QueueGauges()

    @property
    def busy_workers(self) -> int:
        """How many of its workers the requests of the last moments can keep busy."""
        if self._scheduler is None:
            return 0
        return min(self._scheduler.demand.peak(), self.workers.size.workers)

    def load(self, turn: Turn) -> None:
        """Start its workers, and wait for them.

        Parameters
        ----------
        turn
            Its turn to be measured.

        Raises
        ------
        ServiceError
            It cannot be served.
        """
        began = time.monotonic()
        if self.workers.on_devices:
            # Nothing is measured there, and it may take minutes.
            turn.arrive()
        try:
            self.workers.start(turn.take)
            if self.is_measured:
                self.workers.settle()
        except ServiceError as error:
            failure = self._failure(error)
            self._lifecycle.turn_to(ModelState.FAILED, str(failure))
            raise failure from error
        finally:
            turn.leave()
        self._scheduler = Scheduler(self.workers, self.limits, self._threads,
                                    self._observer)
        logger.info('Model %s is loaded after %.1f s: %s, %s.', self.name,
                    time.monotonic() - began, self.workers.ready.service_class,
                    _described(self.workers), extra=IF_ROOM)
        self._lifecycle.turn_to(ModelState.READY)

    @property
    def is_measured(self) -> bool:
        """Whether it is known what pays; else requests run one by one, each on one thread."""
        return self.workers.ready.is_measured

    @property
    def load_message(self) -> Load:
        """What its processes were told to load."""
        return self.workers.load_message

    def measure(self, known: Optional[Findings]) -> bool:
        """Find out what pays, while it answers, and go by it; see :meth:`Supervisor.measure`."""
        began = time.monotonic()

        def learn_batches() -> None:
            self.scheduler.learn()
            if not self.is_measured and self.scheduler.batch_size > 1:
                logger.info('Model %s runs up to %d requests together after %.1f s; what else '
                            'pays is measured now.', self.name, self.scheduler.batch_size,
                            time.monotonic() - began)

        try:
            is_sure = self.workers.measure(known, learn_batches)
        finally:
            self.scheduler.learn()
        logger.info('Model %s is measured after %.1f s: %s.', self.name,
                    time.monotonic() - began, _described(self.workers))
        return is_sure

    def submit(self, request: Request, caller: Optional[Caller] = None) -> Reply:
        """Answer one request; see :meth:`Scheduler.submit`."""
        return self.scheduler.submit(request, caller)

    def ill_health(self) -> str:
        """Why it cannot answer; an empty string when it can. Asks, and waits a moment."""
        try:
            reason = self.scheduler.ill_health()
        except FAULTS as error:
            report(f'the health of model {self.name}')
            reason = f'its health cannot be told ({type(error).__name__}: {error})'
        if self.state in (ModelState.READY, ModelState.DEGRADED, ModelState.FAILED):
            self._lifecycle.turn_to(*self._judged(reason))
        return reason

    def scale(self, options: ModelOptions, workers: Optional[int],
              devices: Sequence[Device]) -> None:
        """Have another number of workers, while requests run.

        Parameters
        ----------
        options
            What is asked for it from now on; all but the numbers of workers are as before.
        workers
            How many, at most where the load decides; None to choose.
        devices
            The device of each; none for the processors.
        """
        self.workers.scale(workers, devices, options.fewest_workers)
        self.options = options

    def drain(self, timeout_s: float) -> None:
        """Take no more requests, and answer those in hand; after `timeout_s` with an error."""
        self._lifecycle.turn_to(ModelState.DRAINING)
        if self._scheduler is not None and not self._scheduler.drain(timeout_s):
            self._scheduler.give_up('The model is removed or replaced')

    def give_up(self) -> None:
        """Answer every request that has no answer yet, and end the workers at once."""
        if self._scheduler is not None:
            self._scheduler.give_up()
        self.workers.kill()

    def stop(self) -> None:
        """End every worker; call it when no request is in flight."""
        if self._scheduler is not None:
            self._scheduler.stop()
        self.workers.stop()
        self._lifecycle.turn_to(ModelState.GONE)

    def _judged(self, reason: str) -> tuple[ModelState, str]:
        if not reason:
            return ModelState.READY, ''
        has_given_up = reason == self.workers.failure
        return (ModelState.FAILED if has_given_up else ModelState.DEGRADED), reason

    def _failure(self, error: ServiceError) -> ServiceError:
        # The files of an archive lie in a folder that is gone when this is read.
        reason = str(error).replace(os.path.join(self.folder, ''), '')
        return ServiceError(f'model {self.name} from {self.location} cannot be served: {reason}')


def _described(workers: Supervisor) -> str:
    """How a model is served, and why so."""
    size, batch_size = workers.size, workers.ready.batch_size
    number = f'{size.workers} worker{"s" * (size.workers != 1)}'
    threads = f' of {size.threads} thread{"s" * (size.threads != 1)}' if size.threads else ''
    wide = f', one of {size.wide} for a lone request' if size.wide else ''
    together = f'up to {batch_size} requests together' if batch_size > 1 else \
        'one request at a time'
    if not workers.ready.is_measured:
        together += ' until it is measured'
    return f'{number}{threads}{wide} ({size.why}), {together}'
