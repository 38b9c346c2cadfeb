"""Models that come while the server answers: brought here, opened, loaded, served."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Optional

from gevent.lock import BoundedSemaphore

from mms.archive.location import Location
from mms.bootstrap.opening import Opener
from mms.errors import StartupError
from mms.serving.load_failures import LoadFailures
from mms.serving.model_factory import OpenedModel
from mms.serving.model_options import ModelOptions
from mms.serving.registry import Registry
from mms.serving.served_model import ServedModel

logger = logging.getLogger(__name__)

# Each takes a thread, and extracts to the same disk.
_MOST_AT_ONCE = 4
_DEFAULTS = ModelOptions()
# Requests of a model that is removed or replaced are given up after that long.
DRAIN_TIMEOUT_S = 60.0


class ModelLoader:
    """Loads and replaces models from where their archives lie; to be asked from greenlets.

    Parameters
    ----------
    opener
        Brings archives here.
    models
        Where they are served.
    drain_timeout_s
        Requests of a model that is replaced are given up after that long.

    Attributes
    ----------
    failures
        What could not be loaded, and has not been since.
    """

    def __init__(self, opener: Opener, models: Registry,
                 drain_timeout_s: float = DRAIN_TIMEOUT_S) -> None:
        self._opener = opener
        self._models = models
        self._drain_timeout_s = drain_timeout_s
        self._free = BoundedSemaphore(_MOST_AT_ONCE)
        self.failures = LoadFailures()

    def load(self, name: Optional[str], location: Location,
             options: ModelOptions = _DEFAULTS) -> ServedModel:
        """Serve another model, once it is loaded. Whatever is raised, nothing of it is left.

        Parameters
        ----------
        name
            Its endpoint; None for the name that its archive has.

        Raises
        ------
        ModelExists
            One of its name is served.
        StartupError
            It cannot be served.
        """
        return self.add(self.open(name, location, options))

    def replace(self, name: str, location: Location,
                options: ModelOptions = _DEFAULTS) -> None:
        """Serve a model in the place of the one of its name, once it is loaded; the old one
        answers until then, and then what it has.

        Raises
        ------
        ModelNotFound
            None of its name is served.
        StartupError
            It cannot be served; the old one is, as before.
        """
        self.put_in_place(self.open(name, location, options))

    def open(self, name: Optional[str], location: Location,
             options: ModelOptions = _DEFAULTS) -> OpenedModel:
        """Bring an archive here, and check it; no process is started.

        Raises
        ------
        StartupError
            It cannot be used.
        """
        with self._failure_kept(name, location.listed), self._free:
            opened = self._opener.open_one(name, location)
        return opened._replace(options=options)

    def add(self, opened: OpenedModel) -> ServedModel:
        """The second half of :meth:`load`."""
        with self._failure_kept(opened.name, opened.location):
            model = self._models.add(opened)
        self.failures.forget(opened.name)
        return model

    def put_in_place(self, opened: OpenedModel) -> None:
        """The second half of :meth:`replace`."""
        with self._failure_kept(opened.name, opened.location):
            self._models.replace(opened, self._drain_timeout_s)
        self.failures.forget(opened.name)

    @contextmanager
    def _failure_kept(self, name: Optional[str], location: str) -> Iterator[None]:
        try:
            yield
        except StartupError as error:
            logger.error('%s', error)
            if name:
                self.failures.add(name, location, str(error))
            raise
