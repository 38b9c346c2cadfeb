"""Refuses what is no request, or stays none: it is named, counted and answered."""

from __future__ import annotations

import logging
from typing import Optional

from mms.config.cors_origins import Origins
from mms.errors import BuffersFull
from mms.frontend.cors import cors_headers
from mms.frontend.http.headers import BadHead, LargeHead
from mms.frontend.http.refusal import MESSAGES, TurnedAway, refusal
from mms.frontend.request_context import context_of
from mms.log import request_ids
from mms.log.lines import one_line
from mms.metrics.refusals import BAD_HEAD, BUFFERS_FULL, LARGE_HEAD, LONG_LINE, Refusals


class LongLine(ValueError):
    """The first line of a request is longer than anybody needs."""

    def __init__(self) -> None:
        super().__init__(MESSAGES['414'][1])


class Refuser:
    """Refuses the requests of one connection.

    Parameters
    ----------
    client
        Its address.
    refusals
        Where they are counted.
    origins
        Pages of these may read why.

    Attributes
    ----------
    wrong
        What is wrong with the request; empty where its status says it all.
    """

    def __init__(self, client: str, refusals: Refusals, origins: Origins) -> None:
        self._client = client
        self._refusals = refusals
        self._origins = origins
        self._id = ''
        self.wrong = ''

    def begin(self) -> None:
        """Another request is awaited."""
        self._id = ''

    def name(self) -> str:
        """Id of a request that gets no further: in what is logged from now on, and in its answer.

        What it calls itself counts where it has reached the application.
        """
        if not self._id:
            if not request_ids.current():
                request_ids.begin(context_of({}))
            self._id = request_ids.current()[0].request_id
        return self._id

    def count(self, reason: str, message: str, level: int = logging.INFO) -> None:
        """Count a request that is refused before it is one; it is no error of the server."""
        self.name()
        self._refusals.count(reason, f'No HTTP request from {self._client}: {message}', level)

    def count_error(self, error: BaseException) -> str:
        """Count a head over which an error was raised; the status that tells of it."""
        status, reason = _reason_of(error)
        if isinstance(error, (BadHead, BuffersFull, TurnedAway)):
            self.wrong = str(error)
        self.count(reason, one_line(str(error) or type(error).__name__),
                   logging.ERROR if reason == BUFFERS_FULL else logging.INFO)
        return status

    def answer(self, status: str, reason: str, origin: Optional[str]) -> bytes:
        """A whole response; with a reason, and the page that asks, where they are known."""
        cors = cors_headers('', {'HTTP_ORIGIN': origin} if origin else {}, self._origins)
        return refusal(status, self.name(), reason, more=cors)


def _reason_of(error: BaseException) -> tuple[str, str]:
    """The status that tells of a head that is refused, and why it is counted."""
    if isinstance(error, TurnedAway):
        return error.status, error.reason
    if isinstance(error, BuffersFull):
        return '503', BUFFERS_FULL
    if isinstance(error, LongLine):
        return '414', LONG_LINE
    return ('431', LARGE_HEAD) if isinstance(error, LargeHead) else ('400', BAD_HEAD)
