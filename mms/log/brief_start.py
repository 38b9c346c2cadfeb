"""What of the log a person sees on a terminal; the file has all of it."""

from __future__ import annotations

import logging
from typing import Optional, TextIO

from mms.log.handlers import StreamLog

# For `extra` of a log call: a terminal shows the line at a start too, or does so if there is room.
ALWAYS = {'mms_shown': True}
IF_ROOM = {'mms_shown': False}

# Lines of a start, beside those that are always shown. All together are ten at most: of the latter
# there are three that say that the server is up, one of a log file that is shared, and one that
# says where the rest is.
_MOST_WARNINGS = 5
# What is shown if there is room leaves so much to warnings.
_KEPT_FOR_WARNINGS = 2
# How models are loaded and workers come and go, and the metrics of each minute.
_DETAILS = ('mms.pool', 'mms.serving', 'mms.worker', 'mms.metrics', 'mms.model_service',
            'mms.mxnet_engine')


class BriefStart:
    """Lets few lines of a start through to a terminal, and later all but details."""

    def __init__(self) -> None:
        self._filter = _Filter()
        self._shown: Optional[_FirstLines] = None

    def stream_log(self, stream: TextIO, formatter: logging.Formatter) -> StreamLog:
        """What writes to the terminal."""
        self._shown = _FirstLines(formatter)
        handler = StreamLog(stream, self._shown)
        handler.addFilter(self._filter)
        return handler

    def tell_rest(self, handler: StreamLog, path: str) -> None:
        """Say on the terminal where the lines are that it did not show."""
        if self._filter.hidden:
            handler.handle(logging.getLogger().makeRecord(
                __name__, logging.INFO, __file__, 0,
                'The rest of what is logged at this start is in %s; --verbose shows it here too.',
                (path,), None, 'tell_rest', ALWAYS))

    def end(self) -> None:
        """The start is over."""
        self._filter.start_is_over()
        if self._shown is not None:
            self._shown.start_is_over()


class _Filter(logging.Filter):
    """Counts what it does not let through."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = 0
        self._starts = True
        self._room = _MOST_WARNINGS

    def start_is_over(self) -> None:
        """Let all through but details."""
        self._starts = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is shown."""
        shown = self._at_a_start(record) if self._starts else not _is_detail(record)
        self.hidden += not shown
        return shown

    def _at_a_start(self, record: logging.LogRecord) -> bool:
        wish = record.__dict__.get('mms_shown')
        is_warning = record.levelno >= logging.WARNING
        if wish or (wish is None and not is_warning):
            return bool(wish)
        if self._room <= (0 if is_warning else _KEPT_FOR_WARNINGS):
            return False
        self._room -= 1
        return True


class _FirstLines(logging.Formatter):
    """Makes lines as another formatter does; of each record the first alone during a start."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner
        self._starts = True

    def start_is_over(self) -> None:
        """Make all lines."""
        self._starts = False

    def format(self, record: logging.LogRecord) -> str:
        """The line, or the lines."""
        text = self._inner.format(record)
        return text.partition('\n')[0] if self._starts else text


def _is_detail(record: logging.LogRecord) -> bool:
    return (record.levelno < logging.WARNING and record.name.startswith(_DETAILS)
            and 'mms_shown' not in record.__dict__)
