"""What the console shows: the models with their signatures, and how they do at this moment."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Callable, NamedTuple, Optional

from mms.archive.signature import OUTPUT_FORMAT, input_types
from mms.errors import ModelNotFound
from mms.frontend.address import predict_path
from mms.frontend.api.health import Monitor
from mms.frontend.exchange import HTTPRequest, HTTPResponse, json_text, text_response
from mms.frontend.predictor import Models
from mms.ipc.request import JSON
from mms.metrics.exposition import Exposition
from mms.metrics.gauges import ModelGauges
from mms.metrics.histogram import Histogram
from mms.metrics.model_tally import ModelTally
from mms.metrics.server_metrics import ServerMetrics
from mms.serving.readiness import ModelHealth, ServerHealth
from mms.version import __version__

Described = dict[str, Any]


class Watched(NamedTuple):
    """What the console looks at.

    Attributes
    ----------
    models
        The models, with their signatures.
    monitor
        Knows of their health.
    exposition
        Knows of their queues, workers and memory.
    metrics
        Knows what was counted of their requests.
    """

    models: Models
    monitor: Monitor
    exposition: Exposition
    metrics: ServerMetrics


class Live:
    """Answers the console's page, which asks again every other second.

    Parameters
    ----------
    watched
        What it tells of.
    management
        Where the page of the management port is, in parts; None where there is none.
    """

    def __init__(self, watched: Watched,
                 management: Callable[[], Optional[Mapping[str, Any]]]) -> None:
        self._watched = watched
        self._management = management

    def models(self, request: HTTPRequest) -> HTTPResponse:
        """Each model that is served, with what it takes and gives."""
        # Read first: of models that change meanwhile the page asks again.
        facts = {'revision': self._watched.models.revision, 'version': __version__}
        return self._answer(facts, self._signatures())

    def state(self, request: HTTPRequest) -> HTTPResponse:
        """How the server and each model do; counts only grow, and the page takes differences."""
        watched = self._watched
        health = watched.monitor.report()
        gauges: dict[str, list[ModelGauges]] = {}
        for each in watched.exposition.look():
            gauges.setdefault(each.name, []).append(each)
        watched.exposition.catch_up()
        tallies = watched.metrics.tallies(watched.exposition.pause)
        known = {model.name: model for model in health.models}
        return self._answer({'server': self._server(health)}, (
            (name, {**_health(name, known.get(name), health.missing, gauges.get(name)),
                    **_load(gauges.get(name, ())),
                    **_counts(tallies.get(name) or ModelTally())})
            for name in dict.fromkeys((*known, *health.missing, *gauges))))

    def _signatures(self) -> Iterator[tuple[str, Described]]:
        models = self._watched.models
        for name in models.names:
            # Where another thread has the models, or this one has waited, one may have gone.
            with suppress(ModelNotFound):
                yield name, _signature(name, models.signature(name))

    def _answer(self, facts: Described, models: Iterable[tuple[str, Described]]) -> HTTPResponse:
        """Of a hundred models it takes 5 ms to write: others have their turn between them."""
        written = []
        for name, model in models:
            self._watched.exposition.pause()
            written.append(_members({name: model}))
        response = text_response(
            200, JSON, f'{{{_members(facts)},"models":{{{",".join(written)}}}}}\n')
        response.headers.append(('Cache-Control', 'no-store'))
        return response

    def _server(self, health: ServerHealth) -> Described:
        return {'state': health.state.value, 'reason': health.reason, 'since': health.since_s,
                'remarks': list(health.remarks), 'revision': self._watched.models.revision,
                'management': self._management(), 'version': __version__,
                # By one clock, which nobody sets.
                'clock': time.monotonic()}


def _signature(name: str, signature: Mapping[str, Any]) -> Described:
    return {
        'path': predict_path(name).lstrip('/'),
        'inputs': [{'name': spec['data_name'], 'shape': spec['data_shape'], 'type': kind,
                    **({'sample': spec['sample']} if 'sample' in spec else {})}
                   for spec, kind in zip(signature['inputs'], input_types(signature))],
        'outputs': [{'name': spec['data_name'], 'shape': spec['data_shape']}
                    for spec in signature['outputs']],
        'outputType': signature.get('output_type'),
        'outputFormat': signature.get(OUTPUT_FORMAT),
    }


def _health(name: str, model: Optional[ModelHealth], missing: Sequence[str],
            gauges: Optional[Sequence[ModelGauges]]) -> Described:
    if model is None:
        state = 'missing' if name in missing or not gauges else gauges[0].state
        return {'state': state, 'reason': '', 'since': None, 'required': name in missing,
                'served': False, 'workers': {}}
    return {'state': model.state.value, 'reason': model.reason, 'since': model.since_s,
            'required': model.is_required, 'served': model.is_served,
            'workers': dict(model.workers)}


def _load(gauges: Sequence[ModelGauges]) -> Described:
    """Of all that have one name, while one replaces another."""
    memory: Counter[str] = Counter()
    for each in gauges:
        memory.update(each.memory_bytes)
    return {'waiting': sum(each.waiting for each in gauges),
            'oldestSeconds': max((each.oldest_s for each in gauges), default=0.0),
            'inFlight': sum(each.unanswered for each in gauges),
            'memoryBytes': dict(memory)}


def _counts(tally: ModelTally) -> Described:
    codes: Counter[str] = Counter()
    for (_, code), count in tally.requests.items():
        codes[str(code)] += count
    return {'requests': dict(codes),
            'refused': {reason: count for reason, count in tally.refusals.items() if count},
            'seconds': _histogram(tally.duration_s),
            'phases': {phase: {'count': times.count, 'total': times.total}
                       for phase, times in tally.phase_s.items()},
            'batches': _histogram(tally.batch_sizes),
            'restarts': {reason: count for reason, count in tally.restarts.items() if count}}


def _histogram(histogram: Histogram) -> Described:
    return {'bounds': list(histogram.bounds), 'counts': list(histogram.counts),
            'total': histogram.total}


def _members(value: Described) -> str:
    """JSON of an object, less its braces."""
    return json_text(value, separators=(',', ':')).strip()[1:-1]
