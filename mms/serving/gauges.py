"""How the models of a registry stand, for who scrapes the metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mms.metrics.gauges import ModelGauges
from mms.pool.worker import WorkerState
from mms.serving.model_state import ModelState
from mms.serving.process_memory import ProcessMemory
from mms.serving.registry import Registry
from mms.serving.served_model import ServedModel

WORKER = 'worker'
TEMPLATE = 'template'
# Of a model that has no worker, and loads when it is given some.
UNLOADED = 'unloaded'
# All but the last, in which nothing is any more.
STATES = [*(state.value for state in ModelState if state is not ModelState.GONE), UNLOADED]
WORKER_STATES = [state.value for state in WorkerState if state is not WorkerState.GONE]


class Gauges:
    """Looks at models.

    Parameters
    ----------
    models
        The models.
    ask
        Asks them how they are, and waits no longer than a moment.
    """

    def __init__(self, models: Registry, ask: Callable[[], object]) -> None:
        self._models = models
        self._ask = ask
        self._memory = ProcessMemory()

    def look(self) -> list[ModelGauges]:
        """How each model stands now; on the event loop, where it may wait a moment."""
        # Nobody else may ask: the state of a model would stay what it was when it was loaded.
        self._ask()
        sizes = self._memory.of({pid for model in self._models.models
                                 for pids in _processes(model).values() for pid in pids})
        # Without a wait, so that they are of one moment.
        found = [_gauges(model, sizes) for model in self._models.models]
        # One that comes, or goes, may be parked already.
        names = {model.name for model in found}
        return [*found, *(ModelGauges(name, UNLOADED, 0, 0.0, 0, {}, {})
                          for name in self._models.parked if name not in names)]


def _gauges(model: ServedModel, sizes: Mapping[int, int]) -> ModelGauges:
    queue, memory = model.queue, {}
    for kind, pids in _processes(model).items():
        known = [sizes[pid] for pid in pids if pid in sizes]
        if known:
            memory[kind] = sum(known)
    workers = {state.value: count for state, count in model.workers.states.items()}
    return ModelGauges(model.name, model.state.value, queue.waiting, queue.oldest_s,
                       queue.unanswered, workers, memory)


def _processes(model: ServedModel) -> Mapping[str, Sequence[int]]:
    """Kind of process -> process ids."""
    template = model.workers.template_pid
    return {WORKER: model.workers.pids, TEMPLATE: [] if template is None else [template]}
