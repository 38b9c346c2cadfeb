"""Models that were to be served while the server runs, and could not be: which, and why."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple, Optional

# Names come from outside; what is older is in the log.
_MOST = 100


class LoadFailure(NamedTuple):
    """Why a model was not loaded.

    Attributes
    ----------
    name
        Its endpoint.
    location
        Where its archive lies, as messages may show it.
    reason
        In words.
    since_s
        When it failed, in seconds since the epoch.
    """

    name: str
    location: str
    reason: str
    since_s: float


class LoadFailures:
    """The last failure of each model that has not been loaded since."""

    def __init__(self) -> None:
        self._failures: dict[str, LoadFailure] = {}

    def __iter__(self) -> Iterator[LoadFailure]:
        """The oldest first."""
        return iter(tuple(self._failures.values()))

    def of(self, name: str) -> Optional[LoadFailure]:
        """Why the model of that name was not loaded when it last was to be; None where it was."""
        return self._failures.get(name)

    def add(self, name: str, location: str, reason: str) -> None:
        """A model could not be loaded."""
        self.forget(name)
        self._failures[name] = LoadFailure(name, location, reason, time.time())
        while len(self._failures) > _MOST:
            del self._failures[next(iter(self._failures))]

    def forget(self, name: str) -> None:
        """The model is loaded, or nobody wants it any more."""
        self._failures.pop(name, None)
