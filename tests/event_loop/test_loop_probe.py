"""Whether long turns of an event loop are counted, and told with what they were at."""

import logging
import re
import time

import gevent
import pytest
from fleet import until

from mms.event_loop.loop_probe import LONG_S, LoopProbe

TOLD = re.compile(r'Nobody was served for (\d+) ms: the event loop was blocked, and computed for '
                  r'(\d+) ms of it')


@pytest.fixture
def turns(caplog):
    """The long turns of this thread's loop."""
    caplog.set_level(logging.DEBUG, 'mms.event_loop.loop_probe')
    seen = []
    probe = LoopProbe(seen.append)
    probe.start()
    gevent.sleep(0)
    gevent.sleep(0.01)
    yield seen
    probe.stop()


def hold_up(seconds):
    time.sleep(seconds)


def compute(seconds):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pass


def told(caplog, level):
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def test_a_wait_of_the_loop_itself_is_no_long_turn(turns):
    gevent.sleep(0.5)
    assert all(seconds < 0.5 for seconds in turns)


def test_what_holds_up_the_loop_is_counted_and_told_with_its_calls(turns, caplog):
    gevent.spawn(hold_up, 0.4).join()
    until(lambda: told(caplog, logging.WARNING), 10)
    [line] = told(caplog, logging.WARNING)
    took_ms, computed_ms = map(int, TOLD.match(line).groups())
    assert max(turns) >= 0.4
    assert took_ms >= 400
    # The rest of the turn is a few microseconds; a sleep takes none.
    assert computed_ms < took_ms - 300
    assert 'in hold_up event_loop/test_loop_probe.py:' in line


def test_a_line_says_that_the_loop_itself_has_computed(turns, caplog):
    gevent.spawn(compute, 0.4).join()
    until(lambda: told(caplog, logging.WARNING), 10)
    took_ms, computed_ms = map(int, TOLD.match(told(caplog, logging.WARNING)[0]).groups())
    assert 0 < computed_ms <= took_ms


def test_many_slow_turns_have_one_warning_and_short_ones_none(turns, caplog):
    for seconds in (2 * LONG_S, 0.26, 0.26, 0.26):
        gevent.spawn_later(0.01, hold_up, seconds).join()
    until(lambda: len(told(caplog, logging.DEBUG)) >= 3, 10)
    assert len(told(caplog, logging.WARNING)) == 1


def test_a_probe_that_is_stopped_measures_no_more(caplog):
    seen = []
    probe = LoopProbe(seen.append)
    probe.start()
    probe.stop()
    gevent.spawn(hold_up, 2 * LONG_S).join()
    gevent.sleep(0.01)
    assert seen == []
