"""The text of ``GET /metrics``: what was counted, and how things stand now."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Callable, TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    Sample,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from mms.metrics import families
from mms.metrics.families import add_histogram
from mms.metrics.gauges import ModelGauges
from mms.metrics.model_tally import ModelTally
from mms.metrics.refusals import Refusals
from mms.metrics.server_metrics import NO_MODEL, ServerMetrics
from mms.version import __version__

Look = Callable[[], Sequence[ModelGauges]]
M = TypeVar('M', bound=Metric)

# To write one takes 6 us.
_SAMPLES_A_TURN = 50


class Exposition:
    """Answers whoever scrapes.

    Parameters
    ----------
    metrics
        What is counted.
    states, worker_states
        Of a model and of a worker: each has its value, also where nothing is in it.

    Attributes
    ----------
    catch_up
        Called before the text is written: what other processes have counted is counted here then.
    """

    def __init__(self, metrics: ServerMetrics, states: Sequence[str],
                 worker_states: Sequence[str]) -> None:
        self.catch_up: Callable[[], None] = _go_on
        self._registry = CollectorRegistry()
        self._live = _Live(states, worker_states)
        ProcessCollector(registry=self._registry)
        self._registry.register(_Counted(metrics, self._live.pause))
        self._registry.register(self._live)
        self._registry.register(_Build())
        self._certificates = _Certificates()
        self._registry.register(self._certificates)

    def watch(self, look: Look, pause: Callable[[], None]) -> None:
        """Tell of these models, too.

        Parameters
        ----------
        look
            How they stand now.
        pause
            Called between the parts of the text: lets others have their turn.
        """
        self._live.watch(look, pause)

    def look(self) -> Sequence[ModelGauges]:
        """How the models stand now that it tells of."""
        return self._live.look()

    def pause(self) -> None:
        """Let others have their turn, as between the parts of the text."""
        self._live.pause()

    def watch_certificates(self, ends: Callable[[], Mapping[str, float]]) -> None:
        """Tell of these certificates, too.

        Parameters
        ----------
        ends
            File of each -> when it ends, in seconds since 1970.
        """
        self._certificates.ends = ends

    def text(self, accept: str) -> tuple[bytes, str]:
        """The text, and its type.

        Parameters
        ----------
        accept
            The header of whoever asks: OpenMetrics where it is wanted.
        """
        self.catch_up()
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Counted(Collector):
    """What only grows."""

    def __init__(self, metrics: ServerMetrics, pause: Callable[[], None]) -> None:
        self._metrics = metrics
        self._pause = pause

    def collect(self) -> Iterator[Metric]:
        tallies = self._metrics.tallies(self._pause)
        of_models = {name: tally for name, tally in tallies.items() if name != NO_MODEL}
        yield self._family(families.REQUESTS, tallies, _add_requests)
        yield self._family(families.REFUSED, of_models, _add_refused)
        yield _turned_away(self._metrics.refusals)
        yield self._family(families.DURATION, tallies, _add_durations)
        yield self._family(families.PHASES, of_models, _add_phases)
        yield self._family(families.BATCH_SIZE, of_models, _add_batch_sizes)
        yield self._family(families.RESTARTS, of_models, _add_restarts)
        blocked = families.BLOCKED.empty()
        add_histogram(blocked, (), self._metrics.blocked_s)
        yield blocked

    def _family(self, family: families.Family[M], tallies: Mapping[str, ModelTally],
                add: Callable[[M, str, ModelTally], None]) -> M:
        filled = family.empty()
        for name, tally in tallies.items():
            self._pause()
            add(filled, name, tally)
        filled.samples = _InTurns(filled.samples, self._pause)
        return filled


class _InTurns(list[Sample]):
    """Samples of which many are written: others have their turn between them."""

    def __init__(self, samples: Iterable[Sample], pause: Callable[[], None]) -> None:
        super().__init__(samples)
        self._pause = pause

    def __iter__(self) -> Iterator[Sample]:
        for place, sample in enumerate(super().__iter__()):
            if place % _SAMPLES_A_TURN == 0:
                self._pause()
            yield sample


class _Live(Collector):
    """What is so now; nothing while there is nobody to look at."""

    def __init__(self, states: Sequence[str], worker_states: Sequence[str]) -> None:
        self._states = states
        self._worker_states = worker_states
        self._look: Look = tuple
        self._pause: Callable[[], None] = _go_on

    def watch(self, look: Look, pause: Callable[[], None]) -> None:
        self._look = look
        self._pause = pause

    def look(self) -> Sequence[ModelGauges]:
        return self._look()

    def pause(self) -> None:
        self._pause()

    def collect(self) -> Iterator[Metric]:
        models = self.look()
        by_name: dict[str, list[ModelGauges]] = {}
        for model in models:
            by_name.setdefault(model.name, []).append(model)
        yield _gauge(families.QUEUE, by_name, lambda each: sum(one.waiting for one in each))
        yield _gauge(families.OLDEST, by_name, lambda each: max(one.oldest_s for one in each))
        yield _gauge(families.IN_FLIGHT, by_name, lambda each: sum(one.unanswered for one in each))
        yield self._workers(by_name)
        yield _memory(by_name)
        yield self._models(models)

    def _workers(self, by_name: Mapping[str, Sequence[ModelGauges]]) -> Metric:
        family = families.WORKERS.empty()
        for name, each in by_name.items():
            for state in self._worker_states:
                family.add_metric((name, state), sum(one.workers.get(state, 0) for one in each))
        return family

    def _models(self, models: Iterable[ModelGauges]) -> Metric:
        family = families.MODELS.empty()
        numbers = Counter(model.state for model in models)
        for state in self._states:
            family.add_metric((state,), numbers[state])
        return family


class _Build(Collector):
    """What runs."""

    def __init__(self) -> None:
        self._versions = (__version__, platform.python_version(), _installed('mxnet'))

    def collect(self) -> Iterator[Metric]:
        family = families.BUILD.empty()
        family.add_metric(self._versions, 1)
        yield family


class _Certificates(Collector):
    """When they end."""

    def __init__(self) -> None:
        self.ends: Callable[[], Mapping[str, float]] = dict

    def collect(self) -> Iterator[Metric]:
        family = families.CERTIFICATE.empty()
        for path, end in self.ends().items():
            family.add_metric((path,), end)
        yield family


def _go_on() -> None:
    """Nobody else waits for a turn."""


def _installed(package: str) -> str:
    """Its version, without importing it; empty where it says none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ''


def _add_requests(family: CounterMetricFamily, name: str, tally: ModelTally) -> None:
    for (protocol, code), count in tally.requests.items():
        family.add_metric((name, protocol, str(code)), count)


def _add_refused(family: CounterMetricFamily, name: str, tally: ModelTally) -> None:
    for reason, count in tally.refusals.items():
        family.add_metric((name, reason), count)


def _add_durations(family: HistogramMetricFamily, name: str, tally: ModelTally) -> None:
    add_histogram(family, (name,), tally.duration_s)


def _add_phases(family: HistogramMetricFamily, name: str, tally: ModelTally) -> None:
    for phase, times in tally.phase_s.items():
        add_histogram(family, (name, phase), times)


def _add_batch_sizes(family: HistogramMetricFamily, name: str, tally: ModelTally) -> None:
    add_histogram(family, (name,), tally.batch_sizes)


def _add_restarts(family: CounterMetricFamily, name: str, tally: ModelTally) -> None:
    for reason, count in tally.restarts.items():
        family.add_metric((name, reason), count)


def _turned_away(refusals: Refusals) -> Metric:
    family = families.TURNED_AWAY.empty()
    for reason, count in refusals.counts().items():
        family.add_metric((reason,), count)
    return family


def _gauge(family: families.Gauge, by_name: Mapping[str, Sequence[ModelGauges]],
           value: Callable[[Sequence[ModelGauges]], float]) -> GaugeMetricFamily:
    filled = family.empty()
    for name, models in by_name.items():
        filled.add_metric((name,), value(models))
    return filled


def _memory(by_name: Mapping[str, Sequence[ModelGauges]]) -> Metric:
    family = families.MEMORY.empty()
    for name, models in by_name.items():
        total: Counter[str] = Counter()
        for model in models:
            total.update(model.memory_bytes)
        for kind, size in total.items():
            family.add_metric((name, kind), size)
    return family
