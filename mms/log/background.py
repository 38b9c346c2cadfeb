"""Lines that are written by a thread: a disk that is slow, or hangs, holds up nobody who logs."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Callable, NamedTuple, Optional, Protocol, Union

from mms.log.request_ids import about

# Who logs little waits until its line is written: then the line is there before whatever comes of
# what it tells. A thread writes one in 50 us; all waits within a tenth of a second, and their
# number, are no more than this.
_PATIENCE_S = 0.03
_MOST_WAITS = 20
_WAITS_WITHIN_S = 0.1
# Who has logged more than that in so many of these times, one after the other, logs much: each wait
# takes as long as ten lines.
_MUCH = 3
# Once that was not enough, nobody waits for so long; twice as long each time it is not.
_IMPATIENT_S = 0.1
_MOST_IMPATIENT_S = 5.0
# Lines that nobody waits for are written together: a thread that wakes up for each takes turns with
# the one that logs, which takes twice as long.
_COLLECT_S = 0.025
# What waits to be written: some thousand lines.
_MOST_WAITING_BYTES = 1024 * 1024
# When the log ends, a disk that is slow has so long.
_LAST_LINES_S = 5.0


class Sink(Protocol):
    """Where texts are written to."""

    def write_texts(self, texts: list[str]) -> None:
        """Write them, each as lines of its own."""

    def left_out(self, count: int) -> str:
        """The text that stands where so many others are missing."""


class _Text(NamedTuple):
    """What is written together with others for the same sink."""

    sink: Sink
    text: str


_Job = Callable[[], object]


class WriterThread:
    """Does one job after the other, until each who writes in it has ended."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._jobs: list[Union[_Text, _Job]] = []
        self._left_out: dict[Sink, int] = {}
        self._is_awaited = False
        self._waiting_bytes = 0
        self._put = 0
        self._done = 0
        self._waits = 0
        self._much = 0
        self._patience_s = 0.0
        self._window_ends_s = 0.0
        self._patient_from_s = 0.0
        self._impatient_s = _IMPATIENT_S
        self._users = 0
        self._is_over = False
        self._hangs = False
        self._process = os.getpid()
        self._has_ended = False
        self._thread = threading.Thread(target=self._run, name='mms-log', daemon=True)
        self._thread.start()

    def is_running(self) -> bool:
        """Whether there is a thread: a process that was forked meanwhile has none."""
        return not self._has_ended and os.getpid() == self._process

    def is_current(self) -> bool:
        """Whether the thread is that of the caller."""
        return threading.get_ident() == self._thread.ident

    def put(self, sink: Sink, text: str) -> None:
        """Have a text written soon, and wait a moment at most; where too much waits already, it is
        left out, and a text tells how many were.
        """
        with self._lock:
            if self._jobs and self._waiting_bytes + len(text) > _MOST_WAITING_BYTES:
                self._left_out[sink] = self._left_out.get(sink, 0) + 1
                return
            if self._left_out:
                self._tell_left_out(sink)
            mine = self._append(_Text(sink, text))
            if self._may_wait():
                self._wait_a_moment(mine)

    def run(self, job: _Job, seconds: Optional[float] = None) -> bool:
        """Do something in turn, and wait for it; whether it was done in time."""
        with self._changed:
            return not self._is_over and self._wait_for(self._append(job), seconds)

    def begin_use(self) -> None:
        """Somebody is to write in this thread."""
        self._users += 1

    def end_use(self) -> bool:
        """Have written what waits; whether that was done, which a disk that hangs has not.

        The last one ends the thread.
        """
        # One disk that hangs is waited for once.
        self._hangs = self._hangs or not self.run(lambda: None, _LAST_LINES_S)
        with self._changed:
            self._users -= 1
            self._is_over = self._users <= 0
            self._changed.notify_all()
        return not self._hangs

    def _append(self, job: Union[_Text, _Job]) -> int:
        if not self._jobs:
            self._changed.notify_all()
        self._jobs.append(job)
        self._waiting_bytes += _size(job)
        self._put += 1
        return self._put

    def _tell_left_out(self, sink: Sink) -> None:
        """Where some are missing, say so before what comes next."""
        count = self._left_out.pop(sink, 0)
        if count:
            self._append(_Text(sink, sink.left_out(count)))

    def _may_wait(self) -> bool:
        now = time.monotonic()
        if now >= self._window_ends_s:
            is_much = self._waits > _MOST_WAITS and now < self._window_ends_s + _WAITS_WITHIN_S
            self._much = self._much + 1 if is_much else 0
            self._window_ends_s = now + _WAITS_WITHIN_S
            self._waits, self._patience_s = 0, _PATIENCE_S
        self._waits += 1
        # What is written may log a line itself.
        return (self._waits <= _MOST_WAITS and self._much < _MUCH and self._patience_s > 0
                and now >= self._patient_from_s and not self.is_current())

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
        jobs = self._take()
        while jobs:
            for job in _together(jobs):
                # The log itself fails: there is nobody to tell.
                with suppress(Exception):
                    job()
            with self._changed:
                self._waiting_bytes -= sum(map(_size, jobs))
                self._done += len(jobs)
                for sink in list(self._left_out):
                    self._tell_left_out(sink)
                self._changed.notify_all()
            jobs = self._take()
        self._has_ended = True

    def _take(self) -> list[Union[_Text, _Job]]:
        """What is to be done now; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._is_over)
            self._changed.wait_for(lambda: self._is_awaited or self._is_over, _COLLECT_S)
            jobs, self._jobs = self._jobs, []
            self._is_awaited = False
        return jobs


def _size(job: Union[_Text, _Job]) -> int:
    return len(job.text) if isinstance(job, _Text) else 0


def _together(jobs: Iterable[Union[_Text, _Job]]) -> Iterator[_Job]:
    """What is done in turn: of texts, all that are for the same up to what is no text."""
    texts: dict[Sink, list[str]] = {}
    for job in jobs:
        if isinstance(job, _Text):
            texts.setdefault(job.sink, []).append(job.text)
        else:
            yield from _written(texts)
            texts = {}
            yield job
    yield from _written(texts)


def _written(texts: dict[Sink, list[str]]) -> Iterator[_Job]:
    return (partial(sink.write_texts, each) for sink, each in texts.items())


class BackgroundHandler(logging.Handler):
    """A handler whose lines are made where they are logged, and written by a thread from
    :meth:`write_in` on.

    Where the disk takes no more, up to a megabyte waits; then lines are left out, and a line tells
    how many. The thread has no lock: who ends the log holds that of the handler
    (:func:`logging.shutdown`), and a disk may never give it back.
    """

    _writer: Optional[WriterThread] = None
    _is_abandoned = False
    stream: Any

    def write_in(self, writer: WriterThread) -> None:
        """Have a thread write what is logged from now on."""
        writer.begin_use()
        self._writer = writer

    def writer(self) -> Optional[WriterThread]:
        """The thread that writes, if there is one in this process."""
        writer = self._writer
        return writer if writer is not None and writer.is_running() else None

    def handle(self, record: logging.LogRecord) -> Any:
        """Have a record written, or write it; whether it is to be."""
        writer = self.writer()
        if writer is None:
            return super().handle(record)
        shown: Any = self.filter(record)
        if shown:
            # From Python 3.12 on a filter may have another in its place.
            record = shown if isinstance(shown, logging.LogRecord) else record
            try:
                line = self.format(record)
            except Exception:
                self.handleError(record)
                return shown
            writer.put(self, line)
        return shown

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        return record.text if isinstance(record, _Line) else super().format(record)

    def flush(self) -> None:
        """Write what is buffered; where a thread writes, that is nobody else's to do."""
        writer = self.writer()
        if writer is None:
            super().flush()
        elif writer.is_current() and self.stream is not None:
            self.stream.flush()

    def close(self) -> None:
        """Write what waits, if the disk takes it soon; else what is open stays so."""
        writer = self.writer()
        if writer is not None and not self._is_abandoned:
            self._is_abandoned = not writer.end_use()
        if not self._is_abandoned:
            self._writer = None
            super().close()

    def write_texts(self, texts: list[str]) -> None:
        """Write lines, in the thread."""
        self.emit(_Line('\n'.join(texts)))

    def left_out(self, count: int) -> str:
        """The line that stands where so many are missing."""
        return self.format(logging.getLogger().makeRecord(
            __name__, logging.WARNING, __file__, 0,
            '%d lines are left out here: the disk did not take them.', (count,), None, 'left_out',
            about(())))


class _Line(logging.LogRecord):
    """A record that is a line already."""

    def __init__(self, text: str) -> None:
        super().__init__(__name__, logging.INFO, __file__, 0, '', None, None)
        self.text = text
