"""The requests that a worker has in hand, as far as the front knows."""

from __future__ import annotations

from collections.abc import Sequence

from mms.ipc.context import Context
from mms.ipc.request import Request


class InHand:
    """Follows what a worker is given, and what it answers."""

    def __init__(self) -> None:
        self._contexts: dict[int, Context] = {}
        self._given = 0

    def take(self, requests: Sequence[Request], joins: bool) -> None:
        """The worker is given requests.

        Parameters
        ----------
        joins
            Whether they join those that it has.
        """
        if not joins:
            self._contexts = {}
            self._given = 0
        for place, request in enumerate(requests, self._given):
            self._contexts[place] = request.context
        self._given += len(requests)

    def answered(self, places: Sequence[int]) -> None:
        """The worker has answered those at these places, counted as it was given them."""
        for place in places:
            self._contexts.pop(place, None)

    def contexts(self) -> list[Context]:
        """What is known of those that have no answer yet."""
        return list(self._contexts.values())
