"""Models and metrics for a WSGI server that runs its own threads or event loop.

Greenlets belong to the thread that made them. Those of the workers and of the
metrics live in one thread of their own; any other thread may ask.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, wait
from typing import Any, Callable, Optional, TypeVar

import gevent
import gevent.event
from gevent._hub_local import get_hub_if_exists  # get_hub would make one

from mms.messages import Reply, Request
from mms.metrics import Metrics
from mms.models import LocalModels
from mms.run import leave_errors_to_who_waits

T = TypeVar('T')


class LoopThread:
    """A thread that runs a gevent loop until it is stopped."""

    def __init__(self) -> None:
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name='mms-loop', daemon=True)
        self._thread.start()
        self._ready.result()

    def call(self, function: Callable[[], T]) -> T:
        """What `function` returns, or raises, in a greenlet of the loop."""
        future: Future[T] = Future()
        self.post(lambda: _settle(future, function))
        _wait(future)
        return future.result()

    def post(self, function: Callable[[], Any]) -> None:
        """Run `function` in a greenlet of the loop, and do not wait for it."""
        self._loop.run_callback_threadsafe(gevent.spawn_raw, function)

    def stop(self) -> None:
        """End the loop; what still runs on it is left where it stands."""
        self._loop.run_callback_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        leave_errors_to_who_waits()
        hub = gevent.get_hub()
        self._loop = hub.loop
        # Made now: when the interpreter ends, and the metrics want it, it is too late.
        hub.threadpool.size = min(1, hub.threadpool.maxsize)
        self._stopping = gevent.event.Event()
        # A loop that waits for nothing but other threads would end.
        keeper = self._loop.async_()
        keeper.start(lambda: None)
        self._ready.set_result(None)
        self._stopping.wait()
        keeper.close()


class ThreadedModels:
    """Models on a loop of another thread."""

    def __init__(self, models: LocalModels, loop: LoopThread) -> None:
        self._models = models
        self._loop = loop
        self.names = models.names

    def signature(self, name: str) -> Mapping[str, Any]:
        """Live signature of a model."""
        return self._models.signature(name)

    def predict(self, name: str, request: Request,
                client_left: Callable[[], bool] = lambda: False) -> Reply:
        """Answer one request; see :meth:`Scheduler.predict`."""
        return self._loop.call(lambda: self._models.predict(name, request, client_left))

    def ill_health(self) -> Mapping[str, str]:
        """Name of each model that cannot answer -> why."""
        return self._loop.call(self._models.ill_health)


class ThreadedMetrics:
    """Metrics on a loop of another thread."""

    def __init__(self, metrics: Metrics, loop: LoopThread) -> None:
        self._metrics = metrics
        self._loop = loop

    def count(self, name: str, model: Optional[str] = None) -> None:
        """Add one to a count."""
        self._loop.post(lambda: self._metrics.count(name, model))

    def observe_stages(self, stage_times_ms: Mapping[str, float], model: str) -> None:
        """Record the latencies of one prediction."""
        self._loop.post(lambda: self._metrics.observe_stages(stage_times_ms, model))


def _wait(future: Future[T]) -> None:
    """Wait for a result of another thread; in a thread with a gevent loop, let that go on."""
    hub = get_hub_if_exists()
    if hub is None:
        wait([future])
        return
    done, knock = gevent.event.Event(), hub.loop.async_()
    knock.start(done.set)
    future.add_done_callback(lambda _: knock.send_ignoring_arg(None))
    try:
        done.wait()
    finally:
        knock.stop()
        knock.close()


def _settle(future: Future[T], function: Callable[[], T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)
