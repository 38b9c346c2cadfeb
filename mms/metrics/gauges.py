"""How a model stands while Prometheus asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ModelGauges(NamedTuple):
    """What is so now; several models may have one name, while one replaces another.

    Attributes
    ----------
    name
        The model's endpoint.
    state
        Of the model.
    waiting
        Requests that wait for a worker.
    oldest_s
        Seconds that the oldest of them has waited; 0 where none waits.
    unanswered
        Requests that have no answer yet, those that wait included.
    workers
        State -> how many workers are in it.
    memory_bytes
        Kind of process, ``worker`` or ``template`` -> the proportional share of memory of all of
        its processes; without those of which nothing is known.
    """

    name: str
    state: str
    waiting: int
    oldest_s: float
    unanswered: int
    workers: Mapping[str, int]
    memory_bytes: Mapping[str, int]
