"""On how many threads a request is answered soonest."""

import threading
import time

import pytest

from mms.worker.warm_up import thread_scaling
from mms.worker.warm_up.thread_scaling import times_by_threads, worthwhile_counts


@pytest.fixture
def takes(monkeypatch):
    """A run that takes so many seconds on each number of threads; and where it ran."""
    current, ran = threading.local(), []
    monkeypatch.setattr(thread_scaling, 'set_threads',
                        lambda count: setattr(current, 'count', count))

    def takes(seconds):
        def run():
            ran.append((current.count, threading.get_ident()))
            time.sleep(seconds[current.count])
        return run, ran

    return takes


@pytest.mark.parametrize(('seconds', 'levels'), [
    ({1: .04, 2: .02, 4: .01}, [1, 2, 4]),
    ({1: .04, 2: .02, 4: .03, 8: .001}, [1, 2]),
    ({1: .02, 2: .04}, [1]),
    ({1: .02}, [1]),
    ({2: .03, 3: .02}, [2, 3]),
])
def test_threads_pay_up_to_the_first_number_that_is_not_faster(takes, seconds, levels):
    run, _ = takes(seconds)
    times_s = times_by_threads(run, list(seconds))
    assert worthwhile_counts(times_s) == levels
    # The first one that does not pay is the last one that is tried.
    assert list(times_s) == list(seconds)[:len(levels) + 1]


def test_each_number_is_tried_in_a_thread_of_its_own_that_has_ended(takes):
    run, ran = takes({1: .004, 2: .002})
    before = threading.active_count()
    times_by_threads(run, [1, 2])
    threads = {count: {thread for other, thread in ran if other == count} for count in (1, 2)}
    assert all(len(own) == 1 for own in threads.values())
    assert threading.get_ident() not in threads[1] | threads[2]
    assert threading.active_count() == before


def test_what_takes_microseconds_is_run_more_often_than_what_takes_seconds(takes, monkeypatch):
    monkeypatch.setattr(thread_scaling, '_LONGEST_S', 0.1)
    run, ran = takes({1: .0001, 2: .2})
    times_by_threads(run, [1, 2])
    counts = [count for count, _ in ran]
    assert counts.count(1) > 4
    # Twice a run to get ready, and one that is measured.
    assert counts.count(2) == 4


def test_a_number_that_was_disturbed_is_tried_once_more(takes):
    seconds = {1: .02, 2: .03}
    run, ran = takes(seconds)

    def disturbed():
        if [count for count, _ in ran].count(2) == 6:
            seconds[2] = .01
        run()

    assert worthwhile_counts(times_by_threads(disturbed, [1, 2])) == [1, 2]


def test_no_number_is_tried_when_the_time_is_over(takes):
    run, _ = takes({1: .004, 2: .002})
    assert list(times_by_threads(run, [1, 2], budget_s=.001)) == [1]


def test_what_the_run_raises_is_raised():
    def run():
        raise ValueError('only in the thread of its constructor')

    with pytest.raises(ValueError, match='only in the thread'):
        times_by_threads(run, [1, 2])


@pytest.mark.parametrize(('times_s', 'levels'), [
    ({}, []), ({1: 1.0, 2: .96}, [1]), ({1: 1.0, 2: .95}, [1, 2]),
    ({1: 1.0, 2: .9, 4: .87}, [1, 2]),
])
def test_less_than_a_twentieth_does_not_pay(times_s, levels):
    assert worthwhile_counts(times_s) == levels
