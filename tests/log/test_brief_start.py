"""What of the log a terminal shows."""

import io
import logging

import pytest

from mms.log.brief_start import ALWAYS, IF_ROOM, BriefStart
from mms.log.lines import Formatter


@pytest.fixture
def terminal():
    return Terminal()


class Terminal:
    def __init__(self):
        self.brief = BriefStart()
        self.stream = io.StringIO()
        self.handler = self.brief.stream_log(self.stream, Formatter(coloured=False))

    def log(self, level, text, name='mms.pool', extra=None):
        self.handler.handle(logging.getLogger(name).makeRecord(
            name, level, 'a.py', 1, text, (), None, 'f', extra))

    @property
    def lines(self):
        return [line.partition('a.py:f:1 ')[2] or line for line in
                self.stream.getvalue().splitlines()]


def test_a_start_shows_warnings_as_long_as_there_is_room_and_no_more_than_ten_lines(terminal):
    for number in range(30):
        terminal.log(logging.INFO, 'detail')
        terminal.log(logging.INFO, f'loaded {number}', extra=IF_ROOM)
        terminal.log(logging.WARNING, f'warning {number}\nTraceback ...')
    for text in ('shared', 'up', 'description', 'health'):
        terminal.log(logging.INFO, text, extra=ALWAYS)
    terminal.brief.tell_rest(terminal.handler, 'mms_app.log')
    assert terminal.lines[:5] == ['loaded 0', 'warning 0', 'loaded 1', 'warning 1', 'warning 2']
    assert terminal.lines[5:9] == ['shared', 'up', 'description', 'health']
    [rest] = terminal.lines[9:]
    assert 'The rest of what is logged at this start is in mms_app.log; --verbose' in rest


def test_a_start_that_logs_little_does_not_speak_of_a_rest(terminal):
    terminal.log(logging.ERROR, 'error')
    terminal.brief.tell_rest(terminal.handler, 'mms_app.log')
    assert terminal.lines == ['error']


def test_after_the_start_all_is_shown_but_details(terminal):
    terminal.brief.end()
    terminal.log(logging.INFO, 'worker 7', 'mms.pool.reconciler')
    terminal.log(logging.INFO, 'Metric x', 'mms.metrics.log_sink')
    terminal.log(logging.INFO, 'GET /', 'mms.frontend.access_log')
    terminal.log(logging.INFO, 'printed', 'mms.output')
    terminal.log(logging.INFO, 'loaded', 'mms.serving.served_model', IF_ROOM)
    terminal.log(logging.WARNING, 'died\nwhy', 'mms.pool.reconciler')
    assert terminal.lines == ['GET /', 'printed', 'loaded', 'died', 'why']
