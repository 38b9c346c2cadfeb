"""Measures models that answer already: what pays is known a while after they are served."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Callable, Optional

import gevent
from gevent.lock import BoundedSemaphore

from mms.errors import ServiceError
from mms.event_loop.guard import BackgroundTasks
from mms.event_loop.in_thread import in_thread
from mms.ipc.findings import Findings
from mms.serving.findings_store import Entry, FindingsStore
from mms.serving.measuring_turns import MeasuringTurns
from mms.serving.served_model import ServedModel

logger = logging.getLogger(__name__)

# For a moment without requests, before the first time; a load that never ends needs batches.
_PATIENCE_S = 1.0
# What was measured beside requests is measured again once there were none for so long.
_QUIET_S = 5.0
_LOOK_S = 0.05
_SELDOM_S = 1.0
# A share of the time with requests that spoils what is measured: the best of several runs counts.
_DISTURBED = 0.25
_MOST_TRIES = 3


class Measuring:
    """Measures models, one after the other, beside the requests that they answer.

    Parameters
    ----------
    turns
        Whose turn it is.
    busy
        How many workers of all models have something to do.
    store
        Where findings are kept for the next start.
    on_measured
        Called with a model that is measured.
    """

    def __init__(self, turns: MeasuringTurns, busy: Callable[[], int],
                 store: Optional[FindingsStore],
                 on_measured: Callable[[ServedModel], None]) -> None:
        self._turns = turns
        self._busy = busy
        self._store = store
        self._on_measured = on_measured
        # Who looks for an entry reads all files of a model: those of many models would take all
        # threads that others need.
        self._looking_up = BoundedSemaphore(1)
        self._tasks: dict[ServedModel, BackgroundTasks] = {}

    def begin(self, model: ServedModel) -> None:
        """Measure a model that is served, and do not wait for it; nothing where all is known."""
        if model.is_measured:
            return
        tasks = self._tasks[model] = BackgroundTasks(f'what is measured of model {model.name}')
        tasks.spawn(self._measure, model)

    def end(self, model: ServedModel) -> None:
        """Measure a model no more; it is to end."""
        tasks = self._tasks.pop(model, None)
        if tasks is not None:
            tasks.kill()

    def stop(self) -> None:
        """Measure nothing any more."""
        for model in list(self._tasks):
            self.end(model)

    def _measure(self, model: ServedModel) -> None:
        entry = self._entry(model)
        known = in_thread(entry.read) if entry is not None else None
        self._await_quiet(0.0, _PATIENCE_S)
        for tried in range(_MOST_TRIES):
            is_sure = self._is_measured(model, known)
            if is_sure or (known is not None and model.is_measured):
                break
            # What the model cannot be measured with is as good as not there.
            known = None
            logger.debug('Model %s was measured beside others (%d)', model.name, tried + 1)
            self._await_quiet(_QUIET_S)
        found = model.workers.ready.findings
        if entry is not None and known is None and is_sure and found is not None:
            in_thread(partial(entry.write, found))
        for _ in range(_MOST_TRIES):
            with self._turns.measuring():
                if model.workers.settle_beside():
                    return
            self._await_quiet(_QUIET_S)

    def _entry(self, model: ServedModel) -> Optional[Entry]:
        if self._store is None:
            return None
        with self._looking_up:
            return in_thread(partial(self._store.entry, model.load_message))

    def _is_measured(self, model: ServedModel, known: Optional[Findings]) -> bool:
        """Measure a model; whether nothing else computed meanwhile."""
        with self._turns.measuring(), self._disturbance() as disturbed:
            try:
                is_sure = model.measure(known)
            except ServiceError as error:
                logger.warning('Model %s could not be measured: %s. It is served as it is.',
                               model.name, error)
                return False
        self._on_measured(model)
        return is_sure and not disturbed()

    def _await_quiet(self, seconds: float, patience_s: float = float('inf')) -> None:
        """Wait until no worker had anything to do for so long, but not longer than is said."""
        began = quiet_since = time.monotonic()
        while True:
            now = time.monotonic()
            if self._busy():
                quiet_since = now
            elif now - quiet_since >= seconds:
                return
            if now - began >= patience_s:
                return
            gevent.sleep(_LOOK_S if patience_s < _QUIET_S else _SELDOM_S)

    @contextmanager
    def _disturbance(self) -> Iterator[Callable[[], bool]]:
        """What tells whether requests were there for much of the time of the block."""
        looks: list[bool] = []

        def look() -> None:
            while True:
                gevent.sleep(_LOOK_S)
                looks.append(self._busy() > 0)

        looking = gevent.spawn(look)
        try:
            yield lambda: sum(looks) > _DISTURBED * len(looks)
        finally:
            looking.kill()
