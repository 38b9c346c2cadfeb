"""What was counted of models, as Triton's statistics have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

from mms.frontend.access.scopes import Scopes
from mms.frontend.api.inference_v2 import PATHS, VERSION, model_of
from mms.frontend.api.operations.open_inference import STATISTICS
from mms.frontend.exchange import HTTPRequest, HTTPResponse, Route, json_response
from mms.frontend.predictor import Models
from mms.metrics.histogram import Histogram
from mms.metrics.model_tally import QUEUE, Executions, ModelTally

# What Triton calls each hook.
_STAGES = {'compute_input': 'preprocess', 'compute_infer': 'inference',
           'compute_output': 'postprocess'}
_NS_PER_S, _NS_PER_MS = 1e9, 1e6
_MS_PER_S = 1000

Tally = Callable[[str], ModelTally]


class Statistics:
    """Answers ``/v2/models/stats`` and ``/v2/models/NAME/stats``.

    Parameters
    ----------
    models
        Those that are served.
    tally
        What was counted of one, all of it.
    """

    def __init__(self, models: Models, tally: Tally) -> None:
        self._models = models
        self._tally = tally

    def of_one(self, request: HTTPRequest) -> HTTPResponse:
        """Those of one model."""
        return self._told([model_of(request)])

    def of_all(self, request: HTTPRequest) -> HTTPResponse:
        """Those of all models."""
        return self._told(self._models.names)

    def _told(self, names: Sequence[str]) -> HTTPResponse:
        return json_response(200, {
            'model_stats': [_of_model(name, self._tally(name)) for name in names]})


def statistics_routes(models: Models, tally: Tally, scopes: Scopes) -> list[Route]:
    """These endpoints, which need one of the scopes."""
    statistics = Statistics(models, tally)
    return [Route(('GET',), '/v2/models/stats', statistics.of_all, scopes=scopes,
                  told=STATISTICS),
            *(Route(('GET',), f'{path}/stats', statistics.of_one, scopes=scopes,
                    told=told['/stats']) for path, told in PATHS.items())]


def _of_model(name: str, tally: ModelTally) -> dict[str, Any]:
    runs = tally.executions
    duration_s, failures = tally.duration_s, tally.failures
    return {
        'name': name, 'version': VERSION, 'last_inference': int(tally.latest_s * _MS_PER_S),
        'inference_count': sum(size * run.count for size, run in runs.items()),
        'execution_count': sum(run.count for run in runs.values()),
        'inference_stats': {
            'success': _spent(duration_s.count - failures, duration_s.total - tally.failed_s),
            'fail': _spent(failures, tally.failed_s),
            'queue': _of_times(tally.phase_s[QUEUE]),
            **{called: _of_times(tally.phase_s[stage]) for called, stage in _STAGES.items()},
            # Answers are not kept for others.
            'cache_hit': _spent(0, 0.0), 'cache_miss': _spent(0, 0.0)},
        'response_stats': {},
        'batch_stats': [_of_batch(size, runs[size]) for size in sorted(runs)],
        'memory_usage': []}


def _of_batch(size: int, runs: Executions) -> dict[str, Any]:
    return {'batch_size': size, **{
        called: {'count': runs.count, 'ns': int(runs.stages_ms[stage] * _NS_PER_MS)}
        for called, stage in _STAGES.items()}}


def _of_times(times: Histogram) -> dict[str, int]:
    return _spent(times.count, times.total)


def _spent(count: int, seconds: float) -> dict[str, int]:
    return {'count': count, 'ns': max(0, int(seconds * _NS_PER_S))}
