"""Whether a service's requests may run together: it has to show that this changes no answer."""

from __future__ import annotations

from typing import Optional

# Batches of real requests whose outputs have to be those of the same requests one by one.
_TRIALS = 3
# Trials that may cost their worker: somebody else may have ended it.
_MOST_LOST = 2
# Now and then the proof is made again.
_RECHECK_EVERY = 1000


class Trust:
    """What is known of one model.

    Parameters
    ----------
    batch_size
        Most requests that may run together; 1 for one by one.
    proven
        The service itself says that its requests may run together.
    refusal
        Why they run one by one; empty where they may run together.
    """

    def __init__(self, batch_size: int, proven: bool, refusal: str = '') -> None:
        self.batch_size = batch_size
        self.refusal = refusal
        self._proven = proven
        self._passed = 0
        self._together = 0
        self._lost = 0
        self._is_refused = False

    def learn(self, batch_size: int, proven: bool, refusal: str) -> None:
        """Know more of the model, unless its requests have shown that they must run alone. Its
        networks may have other forms than in the trials so far.
        """
        if self._is_refused:
            return
        self.batch_size, self._proven, self.refusal = batch_size, proven, refusal
        self._passed = 0

    def allows(self) -> bool:
        """Whether requests run together without a trial."""
        return self.batch_size > 1 and (self._proven or self._passed >= _TRIALS)

    def wants_recheck(self) -> bool:
        """Count a batch that is allowed; whether it is to be a trial all the same."""
        self._together += 1
        return not self._proven and self._together % _RECHECK_EVERY == 0

    def lost(self) -> Optional[str]:
        """A trial has ended or hung its worker; return the reason if this ends all batches."""
        self._lost += 1
        if self._lost < _MOST_LOST:
            return None
        return self.heard(False, 'its worker ended, or hung, when they were run together')

    def heard(self, compared: bool, refusal: str) -> Optional[str]:
        """Take the outcome of a trial; return the reason if this ends all batches."""
        if refusal:
            was_open, self.batch_size = self.batch_size > 1, 1
            if not was_open:
                return None
            self.refusal = refusal
            self._is_refused = True
            return refusal
        self._passed += compared
        return None
