"""What a server knows of its own health, without waiting for a model that hangs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Callable, Optional

import gevent
from gevent.event import Event

from mms.config.required_models import Required
from mms.event_loop.guard import attempt
from mms.log.request_ids import about
from mms.serving.readiness import ModelHealth, ServerHealth, missing, why_not_ready
from mms.serving.registry import Registry
from mms.serving.served_model import ServedModel
from mms.serving.server_state import ServerLifecycle, ServerState

logger = logging.getLogger(__name__)

# A probe waits no longer for the models: it tells what they said before. Each model's own question
# waits for 50 ms (pool.probe).
_PATIENCE_S = 0.08
# What happens to a model is looked at after so long: what belongs together is one line of the log.
_INTERVAL_S = 1.0


class HealthMonitor:
    """Tells how a server and its models are.

    Parameters
    ----------
    registry
        The models.
    lifecycle
        The state of the server.
    required
        Without which models it is not ready.
    """

    def __init__(self, registry: Registry, lifecycle: ServerLifecycle,
                 required: Required) -> None:
        self._registry = registry
        self._lifecycle = lifecycle
        self._required = required
        self._asking: Optional[gevent.Greenlet] = None
        self._remarks: list[Callable[[], Sequence[str]]] = []
        self._was_ready = True
        self._has_changed = Event()
        registry.subscribe(lambda event: self._has_changed.set())
        lifecycle.subscribe(lambda state: self._has_changed.set())

    @property
    def has_started(self) -> bool:
        """Whether the models of the start were loaded."""
        return self._lifecycle.state is not ServerState.LOADING

    @property
    def server_state(self) -> tuple[ServerState, float]:
        """The state of the server, and since when, in seconds since the epoch."""
        return self._lifecycle.state, self._lifecycle.since_s

    def add_remarks(self, remarks: Callable[[], Sequence[str]]) -> None:
        """Tell these too, as they are when somebody asks."""
        self._remarks.append(remarks)

    def report(self) -> ServerHealth:
        """How all are. Asks the models, and waits a moment for what they say."""
        if self._lifecycle.state is ServerState.SERVING:
            self._ask()
        found = self.known()
        self._tell(found)
        return found

    def known(self) -> ServerHealth:
        """How all are, as far as that is known already."""
        models = [self._view(model, is_served) for model, is_served in self._of_each_name()]
        state, since_s = self.server_state
        return ServerHealth(
            state, since_s, why_not_ready(state, models, self._required), models,
            missing(models, self._required),
            [remark for remarks in self._remarks for remark in remarks()])

    def turn(self) -> None:
        """Wait until something happens to a model, and see after a moment whether the server is
        ready, if nobody asks; for a loop.
        """
        self._has_changed.wait()
        gevent.sleep(_INTERVAL_S)
        self._has_changed.clear()
        self._tell(self.known())

    def _ask(self) -> None:
        if self._asking is None or self._asking.ready():
            self._asking = gevent.spawn(attempt, 'the health of the models',
                                        self._registry.ill_health)
        self._asking.join(timeout=_PATIENCE_S)

    def _of_each_name(self) -> list[tuple[ServedModel, bool]]:
        """Of each name the model that is served, or else one that loads or drains."""
        served = set(self._registry.names)
        found: dict[str, tuple[ServedModel, bool]] = {}
        # Those that are served come first.
        for place, model in enumerate(self._registry.models):
            found.setdefault(model.name, (model, place < len(served)))
        return list(found.values())

    def _view(self, model: ServedModel, is_served: bool) -> ModelHealth:
        workers = {state.value: number for state, number in model.workers.states.items()}
        return ModelHealth(model.name, model.state, model.reason, model.since_s, workers,
                           model.name in self._required, is_served)

    def _tell(self, found: ServerHealth) -> None:
        """Log it when the server is ready no more, or again."""
        if found.state is not ServerState.SERVING or self._was_ready is not bool(found.reason):
            return
        self._was_ready = not found.reason
        # Whoever asked has nothing to do with it.
        if found.reason:
            logger.warning('The server is not ready: %s', found.reason, extra=about(()))
        else:
            logger.info('The server is ready again.', extra=about(()))
