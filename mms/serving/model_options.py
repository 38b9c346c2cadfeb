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
    def least_workers(self) -> Optional[int]:
        """How many workers it has at least: one, where only the most are given."""
        if self.workers is None and self.max_workers is not None:
            return 1
        return self.workers

    @property
    def fewest_workers(self) -> Optional[int]:
        """How many workers it has at least, where the load decides; None where it does not."""
        least = self.least_workers
        if least is None or self.max_workers is None or self.max_workers <= least:
            return None
        return least

    def over(self, before: ModelOptions) -> ModelOptions:
        """These, and those of `before` where these say nothing.

        Whoever gives a number of workers says what is the most, too; who gives the most alone has
        no more than these.
        """
        names = [each.name for each in fields(self)]
        said = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.workers is not None:
            said['max_workers'] = self.max_workers
        elif self.max_workers is not None and before.workers is not None:
            said['workers'] = min(before.workers, self.max_workers)
        return ModelOptions(**{**{name: getattr(before, name) for name in names}, **said})
