"""Gives models more workers when requests wait, and fewer when these have nothing to do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Optional

import gevent

from mms.event_loop.guard import GuardedLoop
from mms.pool.scaling_policy import LoadLook, ScalingPolicy
from mms.serving.served_model import ServedModel

logger = logging.getLogger(__name__)

_INTERVAL_S = 0.2


class Autoscaler:
    """Looks at the models that may have another number of workers as their load asks for.

    Parameters
    ----------
    models
        Those that are served now.
    """

    def __init__(self, models: Callable[[], Sequence[ServedModel]]) -> None:
        self._models = models
        self._policies: dict[ServedModel, ScalingPolicy] = {}
        self._loop: Optional[GuardedLoop] = None

    def begin(self) -> None:
        """There is such a model; a second time for nothing."""
        if self._loop is None:
            self._loop = GuardedLoop('the number of workers by load', self._turn)

    def stop(self) -> None:
        """Leave all as it is."""
        if self._loop is not None:
            self._loop.kill()

    def _turn(self) -> None:
        gevent.sleep(_INTERVAL_S)
        models = [model for model in self._models() if model.workers.bounds is not None]
        self._policies = {model: self._policies.get(model) or ScalingPolicy(time.monotonic)
                          for model in models}
        for model, policy in self._policies.items():
            _look(model, policy)


def _look(model: ServedModel, policy: ScalingPolicy) -> None:
    workers, bounds = model.workers, model.workers.bounds
    if bounds is None or not workers.is_open:
        return
    before = workers.size.workers
    load = LoadLook(model.queue.waiting, workers.busy, workers.alive)
    wanted = policy.workers(load, before, *bounds)
    if wanted != before:
        workers.resize(wanted)
        logger.info('Model %s is to have %d worker%s, %d before: %s.', model.name, wanted,
                    's' * (wanted != 1), before,
                    'requests wait' if wanted > before else 'the others had nothing to do')
