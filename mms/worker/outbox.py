"""Answers on their way to the front: those that come close together go together."""

from __future__ import annotations

import time

from mms.ipc.channel import Channel
from mms.ipc.messages import Answer, Answered

# What takes longer is worth a message of its own to those who are answered already.
_CLOSE_S = 0.005
# Where one came slowly, the next may: it is not known before.
_REMEMBERED_S = 1.0


class AnswerPace:
    """Whether the answers of a process come slowly."""

    def __init__(self) -> None:
        self._slow_until = 0.0

    def note(self, gap_s: float, now: float) -> bool:
        """So much time lay before an answer; whether it, or one lately, came slowly."""
        if gap_s > _CLOSE_S:
            self._slow_until = now + _REMEMBERED_S
        return now < self._slow_until


class Outbox:
    """Takes the answers of the requests in hand as they come.

    Parameters
    ----------
    channel
        To the front.
    pace
        Of all answers of this process.
    """

    def __init__(self, channel: Channel, pace: AnswerPace) -> None:
        self._channel = channel
        self._pace = pace
        self._places: list[int] = []
        self._answers: list[Answer] = []
        self._last_at = time.monotonic()
        self._expected = 0

    def expect(self, count: int) -> None:
        """So many answers will come; the last of them goes with the :class:`Result`."""
        self._expected += count

    def put(self, place: int, answer: Answer) -> None:
        """Take an answer; send it, and those that wait, where answers come slowly just now."""
        self._places.append(place)
        self._answers.append(answer)
        self._expected -= 1
        before, self._last_at = self._last_at, time.monotonic()
        is_slow = self._pace.note(self._last_at - before, self._last_at)
        if self._expected and is_slow:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        if self._places:
            self._channel.send(Answered(*self.rest()))

    def rest(self) -> tuple[list[int], list[Answer]]:
        """What waits, and does so no longer: places and answers."""
        waiting = self._places, self._answers
        self._places, self._answers = [], []
        return waiting
