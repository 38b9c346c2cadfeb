"""How many requests have been there at the same time lately, by a clock that the test holds."""

import pytest

from mms.batching.demand import Demand


class Clock:
    seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def demand(clock):
    return Demand(clock)


def test_nothing_has_come_yet(demand):
    assert demand.peak() == 0


def test_the_most_at_one_time_count_and_not_their_sum(demand):
    for _ in range(5):
        demand.add(1)
        demand.add(-1)
    assert demand.peak() == 1
    demand.add(3)
    demand.add(-1)
    demand.add(-1)
    assert demand.peak() == 3


def test_a_load_is_remembered_for_a_moment_after_it_has_gone(demand, clock):
    demand.add(8)
    demand.add(-8)
    clock.seconds += 0.25
    assert demand.peak() == 8
    clock.seconds += 0.5
    assert demand.peak() == 0


def test_requests_that_are_still_there_count_however_long_ago_they_came(demand, clock):
    demand.add(4)
    demand.add(-2)
    clock.seconds += 3600
    assert demand.peak() == 2
    clock.seconds += 0.25
    demand.add(-1)
    assert demand.peak() == 2
    clock.seconds += 0.5
    assert demand.peak() == 1


def test_the_next_round_of_waiting_clients_is_seen_as_one_load(demand, clock):
    for _ in range(20):
        demand.add(8)
        clock.seconds += 0.1
        demand.add(-8)
        assert demand.peak() == 8
        clock.seconds += 0.02
