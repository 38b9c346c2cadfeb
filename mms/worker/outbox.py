"""Answers on their way to the front: those that come close together go together."""

from __future__ import annotations

import resource
import time

from mms.ipc.channel import Channel
from mms.ipc.messages import Answered
from mms.ipc.request import Answer

# What takes longer is worth a message of its own to those who are answered already.
_CLOSE_S = 0.005
# Where one came slowly, the next may: it is not known before.
_REMEMBERED_S = 1.0
# Of the time before an answer that came slowly: this share is computed, where the process has not
# waited for anything. Else others had its core meanwhile, and that says nothing of the next one.
_COMPUTED_SHARE = 0.5


class AnswerPace:
    """Whether the answers of a process come slowly."""

    def __init__(self) -> None:
        self._slow_until = 0.0
        self._last_s = 0.0
        self._computed_s = 0.0
        self._waits = 0

    def begin(self) -> None:
        """The time before the next answer counts from now on."""
        self._last_s, self._computed_s = time.monotonic(), time.thread_time()
        self._waits = _waits()

    def note(self) -> bool:
        """There is an answer; whether it, or one lately, came slowly."""
        gap_s, computed_s = time.monotonic() - self._last_s, time.thread_time() - self._computed_s
        self._last_s += gap_s
        self._computed_s += computed_s
        if gap_s > _CLOSE_S:
            before, self._waits = self._waits, _waits()
            if computed_s > gap_s * _COMPUTED_SHARE or self._waits != before:
                self._slow_until = self._last_s + _REMEMBERED_S
        return self._last_s < self._slow_until


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
        self._expected = 0

    def expect(self, count: int) -> None:
        """So many answers will come; the last of them goes with the :class:`Result`."""
        self._expected += count
        self._pace.begin()

    def put(self, place: int, answer: Answer) -> None:
        """Take an answer; send it, and those that wait, where answers come slowly just now."""
        self._places.append(place)
        self._answers.append(answer)
        self._expected -= 1
        if self._pace.note() and self._expected:
            self.flush()

    def flush(self) -> None:
        """Send what waits; the time before the next answer counts from now on."""
        if self._places:
            self._channel.send(Answered(*self.rest()))
        self._pace.begin()

    def rest(self) -> tuple[list[int], list[Answer]]:
        """What waits, and does so no longer: places and answers."""
        waiting = self._places, self._answers
        self._places, self._answers = [], []
        return waiting


def _waits() -> int:
    """How often this thread has waited for something."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
