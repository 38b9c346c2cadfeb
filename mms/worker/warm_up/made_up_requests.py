"""All requests that can be made up for one service, by their place in a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mms.archive.sample import sample_inputs
from mms.worker.warm_up.variants import variants


class MadeUpRequests:
    """Requests for a service that was just made, in the same order in each process of it.

    There are none where its signature tells too little.

    Parameters
    ----------
    signature
        The live one.

    Attributes
    ----------
    requests
        What ``_preprocess`` takes, of each.
    at_first
        Places of those to try in a process that has run nothing, the best first: those that differ
        from what a model is warmed up with, and then that itself.
    afterwards
        Places of those to warm the model up with, the best first.
    """

    def __init__(self, service: Any, signature: Mapping[str, Any]) -> None:
        self._samples = samples(service, signature)
        self._variants = [variants(signature, sample) for sample in self._samples]
        count = len(self._samples)
        self.requests: list[list[Any]] = [
            *(of_one[0] for of_one in self._variants), *(of_one[1] for of_one in self._variants),
            *self._samples]
        self.at_first = range(3 * count)
        self.afterwards = (*range(2 * count, 3 * count), *range(count, 2 * count))

    def is_as_described(self, place: int) -> bool:
        """Whether it is zeros, noise or a sample, as the signature describes the inputs."""
        return place == 2 * len(self._samples)

    def beside(self, place: int) -> list[list[Any]]:
        """Requests of the same shapes as one of `at_first` that differ from each other, and one of
        another size.
        """
        return self._variants[place % len(self._samples)]


def bound_lengths(service: Any) -> dict[str, list[int]]:
    """The shapes that the service's Module was bound for at first; empty where it has none."""
    module: Any = getattr(service, 'mx_model', None)
    if not getattr(module, 'binded', False):
        return {}
    return {entry[0]: list(entry[1]) for entry in module.data_shapes}


def samples(service: Any, signature: Mapping[str, Any]) -> list[list[Any]]:
    """Made-up inputs, the second of the lengths that a network was bound for."""
    made = [sample_inputs(signature), sample_inputs(signature, bound_lengths(service))]
    found = [sample for sample in made if sample is not None]
    return found[:1] if found[1:] == found[:1] else found
