"""How many requests a worker takes, and when those are to come again who come in vain."""

import pytest

from mms.batching.policy import (
    batch_in_time,
    fair_share,
    largest_batch,
    quick_batch,
    retry_after_s,
    trial_size,
)


@pytest.mark.parametrize(('waiting', 'free', 'most', 'share'), [
    (1, 1, 16, 1), (8, 1, 16, 8), (40, 1, 16, 16), (8, 2, 16, 4), (9, 2, 16, 5), (2, 4, 16, 1),
    (0, 1, 16, 1), (8, 0, 16, 8), (8, 1, 1, 1),
])
def test_free_workers_share_what_waits_up_to_the_batch_size(waiting, free, most, share):
    assert fair_share(waiting, free, most) == share


def test_shares_that_are_taken_one_after_the_other_leave_no_free_worker_idle():
    for waiting in range(1, 40):
        for workers in range(1, 6):
            left, taken = waiting, []
            for free in range(workers, 0, -1):
                if left:
                    taken.append(fair_share(left, free, 100))
                    left -= taken[-1]
            assert left == 0
            assert len(taken) == min(waiting, workers)
            assert max(taken) - min(taken) <= 1


@pytest.mark.parametrize(('unanswered', 'workers', 'most', 'largest'), [
    (32, 2, 16, 16), (64, 16, 16, 4), (65, 16, 16, 5), (1000, 16, 16, 16), (3, 16, 16, 1),
    (0, 2, 16, 1), (8, 1, 16, 8), (8, 0, 16, 8),
])
def test_no_worker_takes_so_many_that_another_has_none(unanswered, workers, most, largest):
    assert largest_batch(unanswered, workers, most) == largest


@pytest.mark.parametrize(('most', 'each_s', 'quick'), [
    (16, 0.0001, 16), (16, 0.0005, 6), (16, 0.0029, 1), (16, 0.02, 0), (16, 0.0, 0), (1, 0.0001, 1),
])
def test_what_is_over_in_a_moment_is_known_by_what_ran_before(most, each_s, quick):
    assert quick_batch(most, each_s) == quick


@pytest.mark.parametrize(('most', 'alone_s', 'timeout_s', 'size'), [
    (16, 0.01, 120, 4), (2, 0.01, 120, 2), (16, 10, 120, 3), (16, 40, 120, 1), (16, 0.1, 0.5, 1),
    (16, 0.1, 1, 2), (1, 0.001, 120, 1),
])
def test_a_trial_leaves_most_of_their_time_to_its_requests(most, alone_s, timeout_s, size):
    assert trial_size(most, alone_s, timeout_s) == size


def test_there_is_no_trial_before_it_is_known_how_long_a_request_runs():
    assert trial_size(16, 0.0, 120) == 1


@pytest.mark.parametrize(('waiting', 'each_s', 'workers', 'seconds'), [
    (1000, 0.01, 2, 5), (1000, 0.01, 1, 10), (10, 0.25, 1, 3), (1, 0.001, 8, 1), (0, 0.0, 1, 1),
    (1000, 0.0, 2, 1), (1000, 60, 2, 60), (10, 1, 0, 10),
])
def test_a_client_is_told_when_the_queue_will_be_worked_off(waiting, each_s, workers, seconds):
    assert retry_after_s(waiting, each_s, workers) == seconds


def test_a_batch_is_no_larger_than_there_is_time_for():
    assert batch_in_time(16, 0.0, 1.0) == 16
    assert batch_in_time(16, 0.01, 120.0) == 16
    assert batch_in_time(16, 0.1, 1.0) == 5
    assert batch_in_time(16, 10.0, 1.0) == 1
