"""How long requests of one model may wait for their answers."""

from __future__ import annotations

import time

from mms.errors import DeadlineExceeded
from mms.ipc.context import Context


class Patience:
    """Goes by the limit of all requests, and by a request's own.

    Parameters
    ----------
    model
        Name of the model, for messages.
    limit_s
        Seconds that a request may take in all.
    """

    def __init__(self, model: str, limit_s: float) -> None:
        self._model = model
        self._limit_s = limit_s

    def left_s(self, context: Context) -> float:
        """How long a request may wait for its answer, in seconds."""
        deadline_s = context.deadline_s
        if deadline_s is None:
            return self._limit_s
        return max(0.0, min(self._limit_s, deadline_s - time.monotonic()))

    def over(self, context: Context) -> DeadlineExceeded:
        """What a request is told that has waited for so long."""
        limit_s, limit = self._limit_s, '--request-timeout'
        if context.deadline_s is not None:
            own_s = context.deadline_s - context.arrived_s
            limit_s, limit = min((limit_s, limit), (own_s, "the request's own deadline"))
        return DeadlineExceeded(f'Model {self._model} has not answered within '
                                f'{limit_s:g} s ({limit}).')

    def of_entries(self, context: Context) -> Context:
        """That of a request's entries, which have together as long as any request."""
        deadline_s = (context.arrived_s or time.monotonic()) + self._limit_s
        return context._replace(deadline_s=min(deadline_s, context.deadline_s or deadline_s))
