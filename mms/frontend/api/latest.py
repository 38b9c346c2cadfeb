"""What is made of the models that are served now, and made anew when they have changed."""

from __future__ import annotations

from typing import Callable, Generic, Optional, TypeVar

from mms.frontend.predictor import Models

T = TypeVar('T')


class Latest(Generic[T]):
    """Keeps what was made last.

    Parameters
    ----------
    models
        That are served.
    make
        Makes it of them.
    """

    def __init__(self, models: Models, make: Callable[[], T]) -> None:
        self._models = models
        self._make = make
        # Exchanged as one: several threads may ask.
        self._latest: Optional[tuple[int, T]] = None

    def get(self) -> T:
        """What was made of the models as they are."""
        latest = self._latest
        if latest is None or latest[0] != self._models.revision:
            # Read first: of models that change meanwhile it is made again.
            revision = self._models.revision
            latest = self._latest = (revision, self._make())
        return latest[1]
