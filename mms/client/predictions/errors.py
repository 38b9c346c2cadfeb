"""Every error that a client of predictions raises.

::

    ClientError                  the message, the request's id, whether the model may have run
    ├── WrongUse                 a setting or an input that cannot be used (also a ValueError)
    ├── NotReached               no connection: nothing was sent
    │   ├── ConnectTimedOut      none within the time for it (also a TimeoutError)
    │   └── TLSFailed            a certificate that is not trusted, or one that is asked for
    ├── ConnectionLost           it ended before the answer
    ├── TimedOut                 no answer in time (also a TimeoutError)
    ├── UnreadableAnswer         what answers is no such server
    └── ErrorAnswer              the server's own: has status, type, and when to come again
        ├── RequestRefused       any other 4xx: the message says what is wrong
        ├── AccessDenied         401, 403: a token is missing, wrong, or good for something else
        ├── ModelNotFound        404
        ├── PayloadTooLarge      413
        ├── TooManyRequests      429
        ├── ModelFailed          500, and any other 5xx
        ├── Unavailable          503
        └── ServerTimedOut       504
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from mms.errors import MMSError

_TOO_MANY, _UNAVAILABLE = 429, 503
_FIRST_OF_SERVER = 500


class ClientError(MMSError):
    """Base of all of them.

    Attributes
    ----------
    message
        What is wrong, and how to mend it; without the request's id, which ``str`` adds.
    request_id
        By which the server's log tells of the request; None where there was none.
    """

    def __init__(self, message: str, request_id: Optional[str] = None) -> None:
        super().__init__(message, request_id)
        self.message, self.request_id = message, request_id

    def __str__(self) -> str:
        return self.message if self.request_id is None else (
            f'{self.message} (request {self.request_id})')

    @property
    def may_have_run(self) -> bool:
        """Whether the model may have computed the request all the same."""
        return False


class WrongUse(ClientError, ValueError):
    """A setting or an input cannot be used; nothing was sent."""


class NotReached(ClientError):
    """There was no connection to the server; nothing was sent."""


class ConnectTimedOut(NotReached, TimeoutError):
    """There was none within the time for it."""


class TLSFailed(NotReached):
    """The two sides do not agree on whom to trust."""


class ConnectionLost(ClientError):
    """The connection ended before the answer was there."""

    @property
    def may_have_run(self) -> bool:
        """It may."""
        return True


class TimedOut(ClientError, TimeoutError):
    """There was no answer in time."""

    @property
    def may_have_run(self) -> bool:
        """It may."""
        return True


class UnreadableAnswer(ClientError):
    """What answers there is no such server, or its answer is no JSON."""

    @property
    def may_have_run(self) -> bool:
        """Nobody knows."""
        return True


class ErrorAnswer(ClientError):
    """The server has answered with an error.

    Attributes
    ----------
    status
        Of HTTP.
    type
        The server's name of it, as ``BadRequestException``; empty where it has none.
    retry_after_s
        Seconds after which to come again, if it says so.
    """

    def __init__(self, message: str, request_id: Optional[str] = None, status: int = 0,
                 type_: str = '', retry_after_s: Optional[float] = None) -> None:
        super().__init__(message, request_id)
        self.args = (message, request_id, status, type_, retry_after_s)
        self.status, self.type, self.retry_after_s = status, type_, retry_after_s

    @property
    def is_turned_away(self) -> bool:
        """Whether nothing was done with the request, and it may come again later."""
        return self.status in (_TOO_MANY, _UNAVAILABLE) and self.retry_after_s is not None

    @property
    def may_have_run(self) -> bool:
        """With 5xx it may, unless the server says when to come again."""
        return self.status >= _FIRST_OF_SERVER and not self.is_turned_away


class RequestRefused(ErrorAnswer):
    """The request is wrong."""


class AccessDenied(ErrorAnswer):
    """A token is missing, wrong, or good for something else."""


class ModelNotFound(ErrorAnswer):
    """The server has no such model."""


class PayloadTooLarge(ErrorAnswer):
    """The request is larger than the server takes."""


class TooManyRequests(ErrorAnswer):
    """This client asks more often than it may."""


class ModelFailed(ErrorAnswer):
    """The model, or the server, failed over the request."""


class Unavailable(ErrorAnswer):
    """The model cannot answer now."""


class ServerTimedOut(ErrorAnswer):
    """The model has not answered within the server's time for it."""


_CLASSES: Mapping[int, type[ErrorAnswer]] = {
    401: AccessDenied, 403: AccessDenied, 404: ModelNotFound, 413: PayloadTooLarge,
    _TOO_MANY: TooManyRequests, _UNAVAILABLE: Unavailable, 504: ServerTimedOut,
}


def class_of(status: int) -> type[ErrorAnswer]:
    """The class for a status of HTTP."""
    return _CLASSES.get(status, ModelFailed if status >= _FIRST_OF_SERVER else RequestRefused)
