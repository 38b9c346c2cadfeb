"""The one table of what ``/metrics`` has of the server itself.

Names, units and types are those that the practices of Prometheus ask for. What is of the process of
the front, ``process_*``, comes from ``prometheus_client``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isinf
from typing import Any, Generic, TypeVar

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from mms.metrics.histogram import Histogram

M = TypeVar('M', bound=Metric)

_INFINITE = '+Inf'


@dataclass(frozen=True)
class Family(ABC, Generic[M]):
    """One metric, with a value for each combination of its labels.

    Attributes
    ----------
    name
        As queries have it, less the suffixes of a histogram.
    help
        What it tells.
    labels
        Names of its labels.
    """

    name: str
    help: str
    labels: Sequence[str]
    @abstractmethod
    def empty(self) -> M:
        """Without a value."""


class Counter(Family[CounterMetricFamily]):
    """Only grows."""

    def empty(self) -> CounterMetricFamily:
        """Without a value."""
        return CounterMetricFamily(self.name, self.help, labels=self.labels)


class Gauge(Family[GaugeMetricFamily]):
    """Goes up and down."""

    def empty(self) -> GaugeMetricFamily:
        """Without a value."""
        return GaugeMetricFamily(self.name, self.help, labels=self.labels)


class Distribution(Family[HistogramMetricFamily]):
    """How many values of each size there were."""

    def empty(self) -> HistogramMetricFamily:
        """Without a value."""
        return HistogramMetricFamily(self.name, self.help, labels=self.labels)


REQUESTS = Counter(
    'mms_requests_total', 'Requests that have an answer.', ('model', 'protocol', 'code'))
REFUSED = Counter(
    'mms_requests_refused_total', 'Requests that no model has answered.', ('model', 'reason'))
TURNED_AWAY = Counter(
    'mms_refused_total', 'Connections and requests that were refused before a route was asked.',
    ('reason',))
DURATION = Distribution(
    'mms_request_duration_seconds',
    'Time from the head of a request to its answer.', ('model',))
PHASES = Distribution(
    'mms_request_phase_duration_seconds',
    'Time of a request in the queue, and in each hook of its service.', ('model', 'phase'))
BATCH_SIZE = Distribution(
    'mms_batch_size', 'Requests that a worker was given together.', ('model',))
RESTARTS = Counter(
    'mms_worker_restarts_total', 'Workers that another one replaced.', ('model', 'reason'))
QUEUE = Gauge('mms_queue_requests', 'Requests that wait for a worker.', ('model',))
OLDEST = Gauge(
    'mms_queue_oldest_age_seconds', 'Time that the oldest waiting request has waited.', ('model',))
IN_FLIGHT = Gauge(
    'mms_requests_in_flight', 'Requests that have no answer yet, those that wait included.',
    ('model',))
WORKERS = Gauge('mms_workers', 'Workers by state.', ('model', 'state'))
MEMORY = Gauge(
    'mms_worker_memory_bytes',
    'Memory of the processes of a model, what they share divided among them (PSS).',
    ('model', 'process'))
MODELS = Gauge('mms_models', 'Models by state.', ('state',))
BLOCKED = Distribution(
    'mms_event_loop_blocked_seconds',
    'Times of 10 ms and longer in which the front process attended to nobody else.', ())
BUILD = Gauge(
    'mms_build_info', 'Versions of the server, Python and MXNet.', ('version', 'python', 'mxnet'))
CERTIFICATE = Gauge(
    'mms_tls_certificate_expiry_timestamp_seconds',
    'When the certificate of the server expires, or the first of its chain, since 1970.',
    ('file',))

FAMILIES: tuple[Family[Any], ...] = (
    REQUESTS, REFUSED, TURNED_AWAY, DURATION, PHASES, BATCH_SIZE, RESTARTS, QUEUE, OLDEST,
    IN_FLIGHT, WORKERS, MEMORY, MODELS, BLOCKED, BUILD, CERTIFICATE)


def add_histogram(family: HistogramMetricFamily, labels: Sequence[str],
                  histogram: Histogram) -> None:
    """Add what was counted to a family."""
    below, buckets = 0, []
    for bound, count in zip((*histogram.bounds, inf), histogram.counts):
        below += count
        buckets.append((_INFINITE if isinf(bound) else str(bound), below))
    family.add_metric(labels, buckets, histogram.total)
