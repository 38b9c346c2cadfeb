"""What ``GET /models/NAME`` tells: what MMS 1.x does, and how the model does beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from functools import partial
from typing import Any, NamedTuple, Optional

import psutil

from mms.devices.device import GPU
from mms.event_loop.in_thread import in_thread
from mms.metrics.model_tally import ModelSummary
from mms.pool.worker import Worker, WorkerState
from mms.runtime.shared_memory import proportional_bytes
from mms.serving.load_failures import LoadFailure
from mms.serving.model_factory import OpenedModel
from mms.serving.model_options import ModelOptions
from mms.serving.served_model import ServedModel

_MS_PER_S = 1000
# What MMS 1.x says of archives of the kind that MMS 0.4 has.
_VERSION, _RUNTIME = 'snapshot', 'python'
_READY, _UNLOADING = 'READY', 'UNLOADING'

Described = dict[str, Any]


class _Process(NamedTuple):
    """What the system tells of a process."""

    started_s: Optional[float]
    memory_bytes: Optional[int]


def served(model: ServedModel, summary: ModelSummary, at_startup: bool) -> Described:
    """A model that is served. It waits for what the system tells of its processes."""
    workers = list(model.workers.loaded)
    template = model.workers.template_pid
    pids = [worker.process.pid for worker in workers] + ([template] if template else [])
    processes = in_thread(partial(_look_at, pids))
    size, options, queue = model.workers.size, model.options, model.queue
    least = options.least_workers or size.workers
    return {
        **_archive(model.name, model.location, model.opened.manifest),
        'minWorkers': least,
        'maxWorkers': options.max_workers or least,
        'batchSize': model.scheduler.batch_size,
        'maxBatchDelay': _number(model.limits.max_batch_delay_s * _MS_PER_S),
        'measured': model.is_measured,
        'status': model.state.value,
        'reason': model.reason,
        'loadedAtStartup': at_startup,
        'workers': [_worker(worker, processes[worker.process.pid]) for worker in workers],
        'responseTimeout': _number(model.limits.request_timeout_s),
        'queue': {'requests': queue.waiting, 'oldestAgeSeconds': round(queue.oldest_s, 3),
                  'limit': model.limits.queue_size, 'inFlight': queue.unanswered},
        'requests': {'answered': summary.requests, 'failed': summary.failures},
        'latencySeconds': {name: round(seconds, 6)
                           for name, seconds in summary.latency_s.items()},
        'batches': {'count': summary.batches, 'meanSize': round(summary.mean_batch_size, 2),
                    'largestSize': summary.largest_batch_size,
                    'whyAlone': model.scheduler.why_alone},
        'restarts': dict(summary.restarts),
        'memoryBytes': sum(process.memory_bytes or 0 for process in processes.values()),
        'whyWorkers': size.why,
    }


def parked(opened: OpenedModel, wanted: Optional[ModelOptions], status: str,
           failure: Optional[LoadFailure]) -> Described:
    """A model that has no worker; `wanted` is what is asked for it where it is being loaded."""
    options = opened.options if wanted is None else wanted.over(opened.options)
    return {**_archive(opened.name, opened.location, opened.loaded.manifest),
            **_without_workers(options, wanted is not None, status, failure)}


def coming(name: str, location: str, wanted: Optional[ModelOptions], status: str,
           failure: Optional[LoadFailure]) -> Described:
    """A model that is being loaded, as is `wanted`, or could not be."""
    return {**_archive(name, location, {}),
            **_without_workers(wanted or ModelOptions(), wanted is not None, status, failure)}


def replacement(location: str, status: str, failure: Optional[LoadFailure]) -> Described:
    """A model that is to take the place of one that is served, or could not."""
    return {'modelUrl': location, 'status': status, **_why(failure)}


def _archive(name: str, location: str, manifest: Mapping[str, Any]) -> Described:
    engine = next(iter(manifest.get('Engine') or {}), 'MXNet')
    return {'modelName': name, 'modelVersion': _VERSION, 'modelUrl': location, 'engine': engine,
            'runtime': _RUNTIME}


def _without_workers(options: ModelOptions, is_coming: bool, status: str,
                     failure: Optional[LoadFailure]) -> Described:
    # Clients of MMS 1.x wait until there are as many workers as it says.
    least = (options.workers or 1) if is_coming else 0
    most = max(least, options.max_workers or 0) if is_coming else 0
    return {'minWorkers': least, 'maxWorkers': most, 'batchSize': options.batch_size or 1,
            'maxBatchDelay': _number((options.max_batch_delay_s or 0) * _MS_PER_S),
            'status': status, **_why(failure), 'loadedAtStartup': False, 'workers': []}


def _why(failure: Optional[LoadFailure]) -> Described:
    if failure is None:
        return {'reason': ''}
    return {'reason': failure.reason, 'since': _iso(failure.since_s)}


def _worker(worker: Worker, process: _Process) -> Described:
    kind = worker.kind
    is_going = worker.state is WorkerState.RETIRING
    return {
        'id': str(worker.process.pid),
        'startTime': _iso(process.started_s) if process.started_s is not None else '',
        'status': _UNLOADING if is_going else _READY,
        'gpu': kind.device is not None and kind.device.kind == GPU,
        'memoryUsage': process.memory_bytes or 0,
        'device': str(kind.device or 'cpu'),
        'threads': kind.threads,
        'requests': worker.process.served,
        'state': worker.state.value,
    }


def _look_at(pids: Sequence[int]) -> dict[int, _Process]:
    """It may take some milliseconds for each process."""
    return {pid: _Process(_started_s(pid), proportional_bytes(pid)) for pid in pids}


def _started_s(pid: int) -> Optional[float]:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')


def _number(value: float) -> float:
    """Whole numbers without a point, as MMS 1.x has them."""
    return int(value) if value == int(value) else value
