"""The same models, for a WSGI server that runs its own threads or event loop.

The workers' greenlets live in one thread of their own; any other thread may ask.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Callable, Optional

import gevent
import gevent.event

from mms.archive.reader import LoadedModel
from mms.config import Settings
from mms.models import LocalModels
from mms.run import leave_errors_to_who_waits
from mms.wire import RawInput, Reply


class ThreadedModels:
    """Models that can be asked from every thread.

    Parameters
    ----------
    opened
        The models' archives, opened.
    settings
        The server's settings.
    """

    def __init__(self, opened: Sequence[LoadedModel], settings: Settings) -> None:
        self._models = LocalModels(opened, settings)
        self.names = self._models.names
        self._loop: Any = None
        self._thread = threading.Thread(target=self._run, name='mms-models', daemon=True)
        self._started: Future[None] = Future()
        self._stop: Optional[Any] = None

    def start(self) -> None:
        """Load all models and wait for them.

        Raises
        ------
        ServiceError
            The first model that does not load; the others are stopped.
        """
        self._thread.start()
        self._started.result()

    def signature(self, name: str) -> Mapping[str, Any]:
        """Live signature of a model."""
        return self._models.signature(name)

    def predict(self, name: str, inputs: Sequence[RawInput]) -> Reply:
        """Answer one request; see :meth:`Scheduler.predict`."""
        reply: Reply = self._call(lambda: self._models.predict(name, inputs))
        return reply

    def ill_health(self) -> Mapping[str, str]:
        """Name of each model that cannot answer -> why."""
        sick: Mapping[str, str] = self._call(self._models.ill_health)
        return sick

    def stop(self) -> None:
        """End every worker; call it when no request is in flight."""
        if self._thread.is_alive() and self._stop is not None:
            self._loop.run_callback_threadsafe(self._stop.set)
            self._thread.join()

    def _run(self) -> None:
        leave_errors_to_who_waits()
        self._loop = gevent.get_hub().loop
        self._stop = gevent.event.Event()
        try:
            self._models.start()
        except BaseException as error:
            self._started.set_exception(error)
            return
        self._started.set_result(None)
        self._stop.wait()
        self._models.stop()

    def _call(self, function: Callable[[], Any]) -> Any:
        future: Future[Any] = Future()
        self._loop.run_callback_threadsafe(gevent.spawn_raw, _settle, future, function)
        return future.result()


def _settle(future: Future[Any], function: Callable[[], Any]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)
