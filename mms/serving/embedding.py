"""Models and metrics for a WSGI server that runs its own threads or event loop.

Greenlets belong to the thread that made them. Those of the workers and of the
metrics live in one thread of their own; any other thread may ask.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, Callable, Optional, TypeVar

import gevent
import gevent.event
from gevent._hub_local import get_hub_if_exists  # get_hub would make one

from mms.errors import ModelUnavailable
from mms.event_loop.guard import log_escaped
from mms.event_loop.in_thread import end_lasting_thread
from mms.event_loop.uninterrupted import uninterrupted
from mms.ipc.request import Reply, Request
from mms.metrics import Metrics
from mms.runtime.interrupts import first_interrupt_only, no_interrupts
from mms.runtime.signals import leave_errors_to_who_waits
from mms.serving.caller import Caller
from mms.serving.health_monitor import HealthMonitor
from mms.serving.readiness import ServerHealth
from mms.serving.registry import Registry
from mms.serving.server_state import ServerLifecycle, ServerState

T = TypeVar('T')

# Requests that are refused while an application closes have this long to be answered.
_LAST_ANSWERS_S = 1.0
# A probe waits no longer for the loop's thread: it tells what is known.
_PROBE_PATIENCE_S = 0.1


class LoopThread:
    """A thread that runs a gevent loop until it is stopped, for this process alone."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._ended = False
        # Held for a moment: nothing is posted to a loop that is destroyed meanwhile.
        self._posting = threading.Lock()
        self._unanswered: set[Future[Any]] = set()
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name='mms-loop', daemon=True)
        self._thread.start()
        self._ready.result()

    def call(self, function: Callable[[], T], timeout_s: Optional[float] = None) -> T:
        """What `function` returns, or raises, in a greenlet of the loop.

        Parameters
        ----------
        timeout_s
            How long to wait for that; it goes on then.

        Raises
        ------
        ModelUnavailable
            The loop has ended, or is another process's.
        TimeoutError
            It takes longer than `timeout_s`.
        """
        future: Future[T] = Future()
        self._unanswered.add(future)
        try:
            self.post(partial(_settle, future, function))
            if os.getpid() != self._owner:
                raise _forked()
            if self._ended and not future.done():
                raise _closed()
            _wait(future, timeout_s)
            if not future.done():
                raise TimeoutError
            return future.result()
        finally:
            self._unanswered.discard(future)
            # Its error has this frame in its traceback: both would stay until Python collects its
            # garbage, with the request that failed.
            del future

    def run(self, function: Callable[[], T]) -> T:
        """The same, but where this thread is interrupted, `function` ends too."""
        started: list[gevent.Greenlet] = []

        def work() -> T:
            started.append(gevent.spawn(function))
            result: T = started[0].get()
            return result

        try:
            return self.call(work)
        except (KeyboardInterrupt, SystemExit, gevent.GreenletExit):
            uninterrupted(lambda: self.call(lambda: gevent.killall(started)))
            raise

    def post(self, function: Callable[[], Any]) -> None:
        """Run `function` in a greenlet of the loop, if there is one, and do not wait for it."""
        # A fork shares the descriptor that wakes the loop, and would wake the other process's.
        if os.getpid() != self._owner:
            return
        with self._posting:
            if not self._ended:
                self._loop.run_callback_threadsafe(gevent.spawn_raw, function)

    def stop(self) -> None:
        """End the loop; what still runs on it is left where it stands, and whoever waits for it is
        told so.
        """
        self.post(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        # Where threads are patched to be greenlets, the loop is the whole program's.
        is_own = get_hub_if_exists() is None
        leave_errors_to_who_waits()
        hub = gevent.get_hub()
        self._loop = hub.loop
        if is_own:
            hub.print_exception = log_escaped
        # Made now: when the interpreter ends, and the metrics want it, it is too late.
        hub.threadpool.size = min(1, hub.threadpool.maxsize)
        self._stopping = gevent.event.Event()
        # A loop that waits for nothing but other threads would end.
        keeper = self._loop.async_()
        keeper.start(lambda: None)
        self._ready.set_result(None)
        self._stopping.wait()
        with self._posting:
            self._ended = True
        # Who was not told that it has ended is answered.
        gevent.sleep(0)
        for future in tuple(self._unanswered):
            with suppress(InvalidStateError):
                future.set_exception(_closed())
        keeper.close()
        if is_own:
            end_lasting_thread()
            hub.destroy(destroy_loop=True)


class ThreadedModels:
    """Models on a loop of another thread."""

    def __init__(self, models: Registry, loop: LoopThread) -> None:
        self._models = models
        self._loop = loop
        self._closing = False
        self._asked = 0
        self._idle = gevent.event.Event()

    @property
    def names(self) -> Sequence[str]:
        """Names of the endpoints."""
        return self._models.names

    @property
    def revision(self) -> int:
        """A number that grows whenever a model comes, is replaced, or goes."""
        return self._models.revision

    @property
    def unloaded(self) -> Sequence[str]:
        """Names of those that have no worker."""
        return self._models.unloaded

    def __contains__(self, name: object) -> bool:
        return name in self._models

    def signature(self, name: str) -> Mapping[str, Any]:
        """Live signature of a model."""
        return self._models.signature(name)

    def submit(self, name: str, request: Request, caller: Optional[Caller] = None) -> Reply:
        """Answer one request; see :meth:`Registry.submit`."""
        return self._loop.call(lambda: self._submit(name, request, caller))

    def ill_health(self) -> Mapping[str, str]:
        """Name of each model that cannot answer -> why."""
        try:
            return self._loop.call(self._models.ill_health)
        except ModelUnavailable as error:
            return {name: str(error) for name in self.names}

    def close(self, timeout_s: float) -> None:
        """Refuse new requests, and wait for those in flight, `timeout_s` at most."""
        self._loop.call(lambda: self._drain(timeout_s))

    def _submit(self, name: str, request: Request, caller: Optional[Caller]) -> Reply:
        if self._closing:
            raise _closed()
        self._asked += 1
        try:
            return self._models.submit(name, request, caller)
        finally:
            self._asked -= 1
            if self._closing and not self._asked:
                self._idle.set()

    def _drain(self, timeout_s: float) -> None:
        self._closing = True
        if self._asked and not self._idle.wait(timeout_s):
            self._models.give_up()
            self._idle.wait(_LAST_ANSWERS_S)


class ThreadedHealth:
    """Health of models on a loop of another thread."""

    def __init__(self, monitor: HealthMonitor, loop: LoopThread) -> None:
        self._monitor = monitor
        self._loop = loop
        self._latest: Optional[ServerHealth] = None

    @property
    def has_started(self) -> bool:
        """Whether the models of the start were loaded."""
        return self._monitor.has_started

    def report(self) -> ServerHealth:
        """How all are; what was known before, where the loop takes longer than a moment."""
        try:
            self._latest = self._loop.call(self._monitor.report, _PROBE_PATIENCE_S)
            return self._latest
        except ModelUnavailable as error:
            return self._without_loop(str(error))
        except TimeoutError:
            return self._latest or self._without_loop('The models have not said how they are.')

    def _without_loop(self, reason: str) -> ServerHealth:
        state, since_s = self._monitor.server_state
        return ServerHealth(state, since_s, reason)


class ThreadedMetrics:
    """Metrics on a loop of another thread."""

    def __init__(self, metrics: Metrics, loop: LoopThread) -> None:
        self._metrics = metrics
        self._loop = loop

    def count(self, name: str, model: Optional[str] = None) -> None:
        """Add one to a count."""
        self._loop.post(lambda: self._metrics.count(name, model))

    def observe(self, name: str, value: float, model: Optional[str] = None) -> None:
        """Record a value, in the metric's unit."""
        self._loop.post(lambda: self._metrics.observe(name, value, model))

    def observe_stages(self, stage_times_ms: Mapping[str, float], model: str) -> None:
        """Record the latencies of one prediction."""
        self._loop.post(lambda: self._metrics.observe_stages(stage_times_ms, model))


class Embedded:
    """What lives behind one application; it ends with the process at the latest.

    Parameters
    ----------
    models
        Those that the application asks.
    parts
        Whatever is to be closed.
    lifecycle
        The state of the server.
    """

    def __init__(self, models: ThreadedModels, parts: ExitStack,
                 lifecycle: ServerLifecycle) -> None:
        self._owner = os.getpid()
        self._models = models
        self._parts = parts
        self._lifecycle = lifecycle
        atexit.register(self._end)

    def close(self, timeout_s: float) -> None:
        """Finish the requests in flight, for `timeout_s` at most, and end everything; where this
        is interrupted, at once.
        """
        if os.getpid() != self._owner:
            return
        self._lifecycle.turn_to(ServerState.DRAINING)
        with first_interrupt_only():
            try:
                self._models.close(timeout_s)
            except BaseException:
                uninterrupted(lambda: self._models.close(0.0))
                raise
            finally:
                atexit.unregister(self._end)
                self._end()

    def _end(self) -> None:
        """Not in a process that was forked since: what is to be closed lives in this one."""
        if os.getpid() == self._owner:
            with no_interrupts():
                uninterrupted(self._parts.close)


def _forked() -> ModelUnavailable:
    return ModelUnavailable(
        'This process was forked from the one that loaded the models, and cannot ask them: call '
        'create_app in the process that serves (gunicorn: without --preload, uWSGI: with '
        '--lazy-apps).')


def _closed() -> ModelUnavailable:
    return ModelUnavailable('The application is closed.')


def _wait(future: Future[T], timeout_s: Optional[float]) -> None:
    """Wait for a result of another thread; in a thread with a gevent loop, let that go on."""
    hub = get_hub_if_exists()
    if hub is None:
        wait([future], timeout_s)
        return
    done, knock = gevent.event.Event(), hub.loop.async_()
    knock.start(done.set)
    future.add_done_callback(lambda _: knock.send_ignoring_arg(None))
    try:
        done.wait(timeout_s)
    finally:
        knock.stop()
        knock.close()


def _settle(future: Future[T], function: Callable[[], T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)
    finally:
        # For the same reason.
        del future
