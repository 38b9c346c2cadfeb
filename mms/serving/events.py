"""What happens to the models of a server, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from mms.event_loop.guard import attempt
from mms.serving.model_state import ModelState


class Change(Enum):
    """What happened to a model."""

    ADDED = 'added'
    # It is there, and has no worker.
    PARKED = 'parked'
    REPLACED = 'replaced'
    SCALED = 'scaled'
    # It is known what pays.
    MEASURED = 'measured'
    REMOVED = 'removed'
    STATE = 'state'


class Event(NamedTuple):
    """Something that happened to a model.

    Attributes
    ----------
    name
        The model's endpoint.
    state, reason
        Of the model, after it.
    """

    change: Change
    name: str
    state: ModelState
    reason: str


Listener = Callable[[Event], None]


class Events:
    """Those who want to know."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        """Have `listener` called with each event from now on; it must not wait for anything."""
        self._listeners.append(listener)

    def publish(self, event: Event) -> None:
        """Tell everyone; what a listener raises is logged."""
        for listener in self._listeners:
            attempt(f'an event of model {event.name}', listener, event)
