"""Lines that are written by a thread: a disk that is slow, or hangs, holds up nobody who logs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Callable, NamedTuple, Optional

# Who logs little waits until its line is written: then the line is there before whatever comes of
# what it tells. A thread writes one in 50 us; all waits within a tenth of a second, and their
# number, are no more than this.
_PATIENCE_S = 0.03
_MOST_WAITS = 20
_WAITS_WITHIN_S = 0.1
# Once that was not enough, nobody waits for so long; twice as long each time it is not.
_IMPATIENT_S = 0.1
_MOST_IMPATIENT_S = 5.0
# Lines that nobody waits for are written together: a thread that wakes up for each takes turns with
# the one that logs, which takes twice as long.
_COLLECT_S = 0.01
# What waits to be written: some thousand lines.
_MOST_WAITING_BYTES = 1024 * 1024
# When the log ends, a disk that is slow has so long.
_LAST_LINES_S = 5.0


Write = Callable[[list[str]], object]


class Job(NamedTuple):
    """A text that is written together with others for the same, or something else that is done."""

    do: Write
    text: str
    is_text: bool = True


class WriterThread:
    """Does one job after the other."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: list[Job] = []
        self._is_awaited = False
        self._waiting_bytes = 0
        self._put = 0
        self._done = 0
        self._waits = 0
        self._patience_s = 0.0
        self._window_ends_s = 0.0
        self._patient_from_s = 0.0
        self._impatient_s = _IMPATIENT_S
        self._thread = threading.Thread(target=self._run, name='mms-log', daemon=True)
        self._thread.start()

    def put(self, write: Write, text: str) -> bool:
        """Have a text written soon, and wait a moment at most; whether there was room for it.

        Parameters
        ----------
        write
            Takes the text, and those that follow it for the same.
        """
        with self._changed:
            if self._jobs and self._waiting_bytes + len(text) > _MOST_WAITING_BYTES:
                return False
            mine = self._append(Job(write, text))
            if self._may_wait():
                self._wait_a_moment(mine)
        return True

    def run(self, job: Callable[[], object], seconds: Optional[float] = None) -> bool:
        """Do something in turn, and wait for it; whether it was done in time."""
        with self._changed:
            return self._wait_for(self._append(Job(lambda _: job(), '', is_text=False)), seconds)

    def _append(self, job: Job) -> int:
        if not self._jobs:
            self._changed.notify_all()
        self._jobs.append(job)
        self._waiting_bytes += len(job.text)
        self._put += 1
        return self._put

    def _may_wait(self) -> bool:
        now = time.monotonic()
        if now >= self._window_ends_s:
            self._window_ends_s = now + _WAITS_WITHIN_S
            self._waits, self._patience_s = 0, _PATIENCE_S
        self._waits += 1
        # What is written may log a line itself.
        return (self._waits <= _MOST_WAITS and self._patience_s > 0 and now >= self._patient_from_s
                and threading.current_thread() is not self._thread)

    def _wait_a_moment(self, number: int) -> None:
        began = time.monotonic()
        is_done = self._wait_for(number, self._patience_s)
        now = time.monotonic()
        self._patience_s -= now - began
        if is_done:
            self._impatient_s = _IMPATIENT_S
        else:
            self._patient_from_s = now + self._impatient_s
            self._impatient_s = min(_MOST_IMPATIENT_S, 2 * self._impatient_s)

    def _wait_for(self, number: int, seconds: Optional[float]) -> bool:
        self._is_awaited = True
        self._changed.notify_all()
        return self._changed.wait_for(lambda: self._done >= number, seconds)

    def _run(self) -> None:
        while True:
            jobs = self._take()
            for write, texts in _together(jobs):
                # The log itself fails: there is nobody to tell.
                with suppress(Exception):
                    write(texts)
            with self._changed:
                self._waiting_bytes -= sum(len(job.text) for job in jobs)
                self._done += len(jobs)
                self._changed.notify_all()

    def _take(self) -> list[Job]:
        with self._changed:
            self._changed.wait_for(lambda: self._jobs)
            self._changed.wait_for(lambda: self._is_awaited, _COLLECT_S)
            jobs, self._jobs = self._jobs, []
            self._is_awaited = False
        return jobs


def _together(jobs: Iterable[Job]) -> Iterator[tuple[Write, list[str]]]:
    """What is done in turn: of texts, all that are for the same up to what is no text."""
    texts: dict[Write, list[str]] = {}
    for job in jobs:
        if job.is_text:
            texts.setdefault(job.do, []).append(job.text)
        else:
            yield from texts.items()
            texts = {}
            yield job.do, []
    yield from texts.items()


class BackgroundHandler(logging.Handler):
    """A handler whose lines are made where they are logged, and written by a thread from
    :meth:`write_in` on.

    Where the disk takes no more, up to a megabyte waits; then lines are left out, and a line tells
    how many.
    """

    _writer: Optional[WriterThread] = None
    _left_out = 0

    def write_in(self, writer: WriterThread) -> None:
        """Have a thread write what is logged from now on."""
        self._writer = writer

    def handle(self, record: logging.LogRecord) -> Any:
        """Have a record written, or write it; whether it is to be."""
        writer = self._writer
        if writer is None:
            return super().handle(record)
        shown = self.filter(record)
        if shown:
            try:
                line = self.format(record)
            except Exception:
                self.handleError(record)
                return shown
            # The lock of a handler would be held for as long as the disk takes.
            if not writer.put(self._write, line):
                self._left_out += 1
        return shown

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        return record.text if isinstance(record, _Line) else super().format(record)

    def close(self) -> None:
        """Write what waits, if the disk takes it soon."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.run(self._tell_left_out, _LAST_LINES_S)
        super().close()

    def _write(self, lines: list[str]) -> None:
        self._tell_left_out()
        self.emit(_Line('\n'.join(lines)))

    def _tell_left_out(self) -> None:
        left_out, self._left_out = self._left_out, 0
        if left_out:
            self.emit(_Line(f'[{left_out} lines are left out here: the disk did not take them.]'))


class _Line(logging.LogRecord):
    """A record that is a line already."""

    def __init__(self, text: str) -> None:
        super().__init__(__name__, logging.INFO, __file__, 0, '', None, None)
        self.text = text
