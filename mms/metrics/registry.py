"""Counts and times of the front process, reported each minute from greenlets."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

import gevent
import gevent.event

from mms.event_loop.guard import BackgroundTasks, attempt
from mms.event_loop.in_thread import in_thread
from mms.metrics.host import HostGauges
from mms.metrics.names import HOST_GAUGES, STAGE_METRICS
from mms.metrics.report import (
    Key,
    Point,
    Recorded,
    Report,
    Sink,
    Tally,
    fresh_tallies,
    points_of,
)

logger = logging.getLogger(__name__)

REPORT_INTERVAL_S = 60.0
HOST_SAMPLE_INTERVAL_S = 5.0
# The processor's load at start is measured over this long.
FIRST_SAMPLE_DELAY_S = 0.1
# What is left at the end has this long to be written before the server goes without it.
STOP_TIMEOUT_S = 3.0
# For the log.
_DUTY = 'the metrics'


class Metrics:
    """Records what happened and hands it to `sink`, interval by interval.

    Nothing here raises: a metric that cannot be recorded or written is told once for each kind
    of failure, at WARNING. Record from the thread of the gevent loop only; sampling the host
    and writing run in gevent's thread pool.

    Parameters
    ----------
    model_names
        Endpoint names of the models that there are at first.
    interval_s, sample_interval_s
        Seconds between two reports, and between two looks at the host.
    clock
        Seconds since the epoch, for the reports' time.
    """

    def __init__(self, model_names: Sequence[str], sink: Sink, *,
                 interval_s: float = REPORT_INTERVAL_S,
                 sample_interval_s: float = HOST_SAMPLE_INTERVAL_S,
                 clock: Callable[[], float] = time.time) -> None:
        self._models = dict.fromkeys(model_names)
        self._leaving: set[str] = set()
        self._sink = sink
        self._interval_s = interval_s
        self._sample_interval_s = sample_interval_s
        self._clock = clock
        self._tallies = fresh_tallies(list(self._models))
        self._complaints: set[tuple[str, str]] = set()
        self._stopping = gevent.event.Event()
        self._tasks = BackgroundTasks(_DUTY)

    def add_model(self, model: str) -> None:
        """Record what happens to another model, too."""
        self._leaving.discard(model)
        if model not in self._models:
            self._models[model] = None
            self._tallies.update({key: tally for key, tally in fresh_tallies([model]).items()
                                  if key not in self._tallies})

    def remove_model(self, model: str) -> None:
        """Record nothing of a model any more, once what was recorded is reported."""
        if model in self._models:
            self._leaving.add(model)

    def count(self, name: str, model: Optional[str] = None) -> None:
        """Add one to a count."""
        self._record(name, 1.0, model)

    def observe(self, name: str, value: float, model: Optional[str] = None) -> None:
        """Record `value`, in the metric's unit."""
        self._record(name, value, model)

    def observe_stages(self, stage_times_ms: Mapping[str, float], model: str) -> None:
        """Record the latencies of one prediction, and their sum as the overall one.

        Parameters
        ----------
        stage_times_ms
            Milliseconds of ``preprocess``, ``inference`` and ``postprocess``; an empty one,
            of a service that has no stages, records nothing.
        model
            The model's endpoint name.
        """
        try:
            stages = {STAGE_METRICS[stage]: value for stage, value in stage_times_ms.items()}
            overall = sum(stages.values())
        except Exception as error:
            self._complain('recorded', error)
            return
        if stages:
            for name, value in {**stages, 'LatencyOverall': overall}.items():
                self._record(name, value, model)

    def take(self) -> list[Recorded]:
        """What was recorded since the last time, which begins anew."""
        found = [(*key, tally.samples, tally.total, tally.minimum, tally.maximum)
                 for key, tally in self._tallies.items() if tally.samples]
        for name, model, *_ in found:
            self._tallies[name, model] = Tally()
        self._forget_those_who_leave()
        return found

    def add(self, recorded: Sequence[Recorded]) -> None:
        """Record what another process has recorded."""
        for name, model, samples, total, minimum, maximum in recorded:
            tally = self._tallies.get((name, model))
            # A model may have gone meanwhile.
            if tally is not None:
                tally.merge(samples, total, minimum, maximum)

    def flush(self) -> None:
        """Report what was recorded since the last time, and begin anew."""
        points = self._take(list(fresh_tallies(list(self._models))))
        self._forget_those_who_leave()
        self._write(points)

    def _take(self, keys: Sequence[Key]) -> Sequence[Point]:
        """What was recorded under these keys, which begin anew."""
        points = points_of({key: self._tallies[key] for key in keys})
        self._tallies.update({key: Tally() for key in keys})
        return points

    def _forget_those_who_leave(self) -> None:
        for model in self._leaving:
            del self._models[model]
        self._tallies = {key: tally for key, tally in self._tallies.items()
                         if key[1] not in self._leaving}
        self._leaving.clear()

    def _write(self, points: Sequence[Point]) -> None:
        if points:
            report = Report(self._clock(), self._interval_s, points)
            self._in_thread('written', lambda: self._sink.write(report))

    def start(self) -> None:
        """Report the host now, and everything each interval, until :meth:`stop`."""
        gauges = HostGauges()
        self._tasks.spawn(self._report, gauges)
        self._tasks.spawn(self._watch, gauges)

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Report what is left, wait for it at most `timeout_s`, and end the greenlets."""
        self._stopping.set()
        last = gevent.spawn(self._finish)
        # gevent.wait would count from when the loop last looked at the clock.
        last.join(timeout_s)
        if last.ready():
            return
        logger.warning('The last metrics were not written within %g seconds', timeout_s)
        last.kill()
        self._tasks.kill()

    def _report(self, gauges: HostGauges) -> None:
        self._stopping.wait(FIRST_SAMPLE_DELAY_S)
        attempt(_DUTY, self._sample, gauges)
        attempt(_DUTY, self._write_gauges)
        self._every(self._interval_s, self.flush)

    def _write_gauges(self) -> None:
        self._write(self._take([(name, None) for name in HOST_GAUGES]))

    def _watch(self, gauges: HostGauges) -> None:
        self._every(self._sample_interval_s, lambda: self._sample(gauges))

    def _every(self, seconds: float, duty: Callable[[], None]) -> None:
        """Run `duty` on the beat; a beat that a slow one overran is left out."""
        due = time.monotonic() + seconds
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            attempt(_DUTY, duty)
            due = max(due + seconds, time.monotonic())

    def _finish(self) -> None:
        self._tasks.join()
        attempt(_DUTY, self.flush)

    def _sample(self, gauges: HostGauges) -> None:
        for name, value in (self._in_thread('sampled', gauges.sample) or {}).items():
            self._record(name, value, None)

    def _record(self, name: str, value: float, model: Optional[str]) -> None:
        if model is not None and model not in self._models:
            # It was removed while its request came.
            return
        try:
            self._tallies[name, model].add(value)
        except Exception as error:
            self._complain('recorded', error)

    def _in_thread(self, verb: str, work: Callable[[], Any]) -> Any:
        """What `work` returned in a thread of the pool, or None if it raised."""
        try:
            return in_thread(work)
        except Exception as error:
            self._complain(verb, error)
            return None

    def _complain(self, verb: str, error: Exception) -> None:
        kind = (verb, type(error).__name__)
        if kind not in self._complaints:
            self._complaints.add(kind)
            logger.warning('A metric could not be %s (%s: %s)', verb, kind[1], error,
                           exc_info=error)
