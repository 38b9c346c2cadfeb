"""How long a call may take, and when a request is made again; no clock, no socket."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

from mms.client.predictions.errors import (
    ClientError,
    ConnectionLost,
    ErrorAnswer,
    NotReached,
    TimedOut,
    TLSFailed,
    WrongUse,
)

# Of 5xx, what passes: a proxy without its server, a server that stops, a model that is slow now.
_PASSING = (502, 503, 504)
_WORKER_DIED = 'WorkerDiedException'


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds.

    Attributes
    ----------
    connect_s
        For a connection.
    read_s
        For the next bytes of an answer, or until the server takes the next ones of the request.
        The default is longer than the server's own ``--request-timeout``, whose answer says more.
    total_s
        For the whole call with all that is made again and the pauses between; None for no limit.
    """

    connect_s: float = 5.0
    read_s: float = 130.0
    total_s: Optional[float] = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not _is_positive(value):
                raise WrongUse(f'{name}={value!r} is no number of seconds above 0')


@dataclass(frozen=True)
class Retries:
    """When a request is made again.

    It is, where the model cannot have run: there was no connection, or the server turned it away
    with ``Retry-After`` (429, 503), which is waited for.

    Attributes
    ----------
    attempts
        Requests in all; 1 for none again.
    first_wait_s
        The pause before the second one, where the server says nothing; each next one is twice as
        long. Half of it is by chance, so that clients do not come again all at once.
    longest_wait_s
        No pause is longer; a server that asks for a longer one is not asked again.
    even_if_it_may_have_run
        Whether a request is made again, too, whose connection was lost, whose answer did not come
        in time, or whose worker died. The model may compute it twice then.
    """

    attempts: int = 3
    first_wait_s: float = 0.2
    longest_wait_s: float = 30.0
    even_if_it_may_have_run: bool = False

    def __post_init__(self) -> None:
        if not _is_positive(self.attempts) or self.attempts != int(self.attempts):
            raise WrongUse(f'attempts={self.attempts!r} is no whole number of 1 or more')
        for name in ('first_wait_s', 'longest_wait_s'):
            if not _is_positive(getattr(self, name)):
                raise WrongUse(f'{name}={getattr(self, name)!r} is no number of seconds above 0')

    def pause_s(self, error: ClientError, attempt: int, chance: float) -> Optional[float]:
        """Seconds until the next request; None where there is to be none.

        Parameters
        ----------
        error
            What became of the last one.
        attempt
            Its number, from 1.
        chance
            From 0 to 1.
        """
        if attempt >= self.attempts or not self._may_repeat(error):
            return None
        told = getattr(error, 'retry_after_s', None)
        if told is not None:
            return None if told > self.longest_wait_s else told + self.first_wait_s * chance
        # No larger power: it would be no float.
        grown = self.first_wait_s * 2.0 ** min(attempt - 1, 60)
        return min(grown, self.longest_wait_s) * (1 + chance) / 2

    def _may_repeat(self, error: ClientError) -> bool:
        if isinstance(error, NotReached):
            return not isinstance(error, TLSFailed)
        if isinstance(error, ErrorAnswer) and error.is_turned_away:
            return True
        return self.even_if_it_may_have_run and _passes(error)


def _passes(error: ClientError) -> bool:
    """Whether what may have run could go better another time."""
    if isinstance(error, ErrorAnswer):
        return error.status in _PASSING or error.type == _WORKER_DIED
    return isinstance(error, (ConnectionLost, TimedOut))


def _is_positive(value: object) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and math.isfinite(value) and value > 0)
