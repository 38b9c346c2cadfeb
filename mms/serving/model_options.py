"""What is asked for one model, beside what the server's settings say for all of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Optional


@dataclass(frozen=True)
class ModelOptions:
    """What is asked for one model; None stands for what the server's settings say.

    Attributes
    ----------
    workers
        How many it has at least.
    max_workers
        How many it may have while many requests wait; None for no more than `workers`.
    batch_size
        Most requests that run together.
    max_batch_delay_s
        Seconds that a request may wait for others to run with.
    request_timeout_s
        Seconds that a request may take in all, and a worker over what it has in hand.
    """

    workers: Optional[int] = None
    max_workers: Optional[int] = None
    batch_size: Optional[int] = None
    max_batch_delay_s: Optional[float] = None
    request_timeout_s: Optional[float] = None

    @property
    def fewest_workers(self) -> Optional[int]:
        """How many workers it has at least, where the load decides; None where it does not."""
        if self.workers is None or self.max_workers is None or self.max_workers <= self.workers:
            return None
        return self.workers

    def over(self, before: ModelOptions) -> ModelOptions:
        """These, and those of `before` where these say nothing.

        Whoever gives a number of workers says what is the most, too.
        """
        names = [each.name for each in fields(self)]
        said = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.workers is not None:
            said['max_workers'] = self.max_workers
        return ModelOptions(**{**{name: getattr(before, name) for name in names}, **said})
