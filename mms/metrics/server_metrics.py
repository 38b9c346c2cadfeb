"""What Prometheus is told of requests, batches and workers: counted since the server started."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Optional, TypeVar

from mms.metrics.histogram import BLOCK_SECONDS, Histogram
from mms.metrics.model_tally import Exchange, ModelSummary, ModelTally
from mms.metrics.observer import Restart
from mms.metrics.refusals import Refusals

T = TypeVar('T')

# Of requests that are for no model.
NO_MODEL = ''
# A model that comes again goes on where it was; who makes up a new name for each stays within
# bounds.
_MOST_GONE = 200


class ServerMetrics:
    """Counts and times of one server, by model; they never go back while it runs.

    Any thread may count and ask. A lock is held for microseconds, and never while anything waits.
    Models are those that are served, and the latest of those that were: what a client asks for
    makes none.

    Attributes
    ----------
    refusals
        What was refused before a route was asked.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_nobody = ModelTally()
        self._blocked_s = Histogram(BLOCK_SECONDS)
        self.refusals = Refusals()
        # In the order in which they came, or went.
        self._served: dict[str, ModelTally] = {}
        self._gone: dict[str, ModelTally] = {}

    def add_model(self, model: str) -> None:
        """A model is served from now on."""
        with self._lock:
            if model not in self._served:
                known = self._gone.pop(model) if model in self._gone else ModelTally()
                self._served[model] = known

    def remove_model(self, model: str) -> None:
        """A model is served no more; what was counted stays."""
        with self._lock:
            if model in self._served:
                self._keep(model, self._served.pop(model))

    def answered(self, model: str, exchange: Exchange) -> None:
        """Count a request that has its answer.

        Parameters
        ----------
        model
            The model's endpoint name; empty for what is no model's.
        """
        with self._lock:
            self._known(model).add(exchange)

    def refused(self, model: str, reason: str) -> None:
        """Count a request that was refused for one of
        :data:`~mms.metrics.model_tally.REFUSALS`.
        """
        with self._lock:
            self._known(model).refusals[reason] += 1

    def batch(self, model: str, size: int) -> None:
        """Count requests that a worker has answered together."""
        with self._lock:
            self._named(model).batch_sizes.observe(size)

    def executed(self, model: str, stage_times_ms: Sequence[Mapping[str, float]]) -> None:
        """Count what a worker has run, of which it has told the times of each request."""
        with self._lock:
            self._named(model).executed(stage_times_ms)

    def restarted(self, model: str, reason: Restart) -> None:
        """Count a worker that another one replaces."""
        with self._lock:
            self._named(model).restarts[reason.value] += 1

    def blocked(self, seconds: float) -> None:
        """Count a time in which the event loop attended to nobody else."""
        with self._lock:
            self._blocked_s.observe(seconds)

    def change(self, what: Callable[[Callable[[str], ModelTally], Histogram], T]) -> T:
        """What `what` returns, which is given what finds the tally of a model, and the times of the
        loop; nobody else counts meanwhile.
        """
        with self._lock:
            return what(self._known, self._blocked_s)

    def take(self) -> tuple[Mapping[str, ModelTally], Histogram]:
        """What was counted of requests, and the times of the loop; all begins anew."""
        with self._lock:
            every = {NO_MODEL: self._of_nobody, **self._served, **self._gone}
            # Of a hundred models few are asked at a time.
            taken = {name: tally for name, tally in every.items()
                     if tally.requests or any(tally.refusals.values())}
            self._served.update({name: ModelTally() for name in taken if name in self._served})
            self._gone = {name: tally for name, tally in self._gone.items() if name not in taken}
            if NO_MODEL in taken:
                self._of_nobody = ModelTally()
            blocked_s, self._blocked_s = self._blocked_s, Histogram(BLOCK_SECONDS)
        return taken, blocked_s

    @property
    def blocked_s(self) -> Histogram:
        """Those times, as they are now."""
        with self._lock:
            return self._blocked_s.copy()

    def summary(self, model: str) -> ModelSummary:
        """What a person wants to know of a model that is or was served; nothing but zeros of any
        other.
        """
        with self._lock:
            return (self._find(model) or ModelTally()).summary()

    def tally(self, model: str) -> ModelTally:
        """What was counted of a model, as it is now."""
        with self._lock:
            return (self._find(model) or ModelTally()).copy()

    def tallies(self, pause: Callable[[], None] = lambda: None) -> Mapping[str, ModelTally]:
        """Name of a model, empty for what is no model's -> what was counted, as it is now.

        Parameters
        ----------
        pause
            Called before each of them: lets others have their turn.
        """
        with self._lock:
            every = {NO_MODEL: self._of_nobody, **self._served, **self._gone}
        return {name: self._copy(tally, pause) for name, tally in every.items()}

    def _copy(self, tally: ModelTally, pause: Callable[[], None]) -> ModelTally:
        pause()
        with self._lock:
            return tally.copy()

    def _find(self, model: str) -> Optional[ModelTally]:
        return self._served.get(model) or self._gone.get(model)

    def _known(self, model: str) -> ModelTally:
        """That of a request: its model may have gone, and be forgotten, meanwhile."""
        return self._find(model) or self._of_nobody

    def _named(self, model: str) -> ModelTally:
        """That of a worker: its model may not be served yet."""
        found = self._find(model)
        if found is None:
            found = ModelTally()
            self._keep(model, found)
        return found

    def _keep(self, model: str, tally: ModelTally) -> None:
        self._gone[model] = tally
        if len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]
