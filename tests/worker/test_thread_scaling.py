"""On how many threads a request is answered soonest."""

import threading
import time

import pytest

from mms.worker import thread_scaling
from mms.worker.thread_scaling import paying_levels


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
    ({1: .04, 2: .02, 4: .02, 8: .001}, [1, 2]),
    ({1: .02, 2: .04}, [1]),
    ({1: .02}, [1]),
    ({2: .03, 3: .02}, [2, 3]),
])
def test_threads_pay_up_to_the_first_number_that_is_not_faster(takes, seconds, levels):
    run, _ = takes(seconds)
    assert paying_levels(run, list(seconds)) == levels


def test_each_number_is_tried_in_a_thread_of_its_own_that_has_ended(takes):
    run, ran = takes({1: .004, 2: .002})
    before = threading.active_count()
    paying_levels(run, [1, 2])
    threads = {count: {thread for other, thread in ran if other == count} for count in (1, 2)}
    assert all(len(own) == 1 for own in threads.values())
    assert threading.get_ident() not in threads[1] | threads[2]
    assert threading.active_count() == before


def test_what_takes_microseconds_is_run_more_often_than_what_takes_seconds(takes, monkeypatch):
    monkeypatch.setattr(thread_scaling, '_LONGEST_S', 0.1)
    run, ran = takes({1: .0001, 2: .2})
    paying_levels(run, [1, 2])
    counts = [count for count, _ in ran]
    assert counts.count(1) > 20
    assert counts.count(2) == 2


def test_what_the_run_raises_is_raised():
    def run():
        raise ValueError('only in the thread of its constructor')

    with pytest.raises(ValueError, match='only in the thread'):
        paying_levels(run, [1, 2])
