"""How many workers a model has between its bounds: as its load was for a while."""

import pytest

from mms.pool.scaling_policy import GROW_S, SHRINK_S, LoadLook, ScalingPolicy

EVERY_S = 0.2


class Model:
    """A model that is looked at every fifth of a second, and whose workers come at once."""

    def __init__(self, workers=1, fewest=1, most=8):
        self.workers, self.fewest, self.most = workers, fewest, most
        self.now = 100.0
        self.policy = ScalingPolicy(lambda: self.now)
        self.sizes = [workers]

    def run(self, seconds, waiting, busy, here=None):
        """The same load for so long; `busy` and `waiting` may depend on the workers."""
        ends = self.now + seconds
        while self.now < ends:
            self.now += EVERY_S
            now_busy = busy(self.workers) if callable(busy) else min(busy, self.workers)
            now_waiting = waiting(self.workers) if callable(waiting) else waiting
            load = LoadLook(now_waiting, now_busy, self.workers if here is None else here)
            wanted = self.policy.workers(load, self.workers, self.fewest, self.most)
            if wanted != self.workers:
                self.workers = wanted
                self.sizes.append(wanted)
        return self.workers


def clients(number):
    """The load of so many clients that wait for one answer after the other."""
    return {'busy': lambda workers: min(workers, number),
            'waiting': lambda workers: max(0, number - workers)}


def test_workers_come_while_requests_wait_until_none_does():
    model = Model()
    model.run(10, **clients(5))
    assert model.sizes == [1, 2, 3, 4, 6]
    model.run(10, **clients(5))
    assert model.workers == 6


def test_there_are_never_more_than_the_most_nor_fewer_than_the_fewest():
    model = Model(workers=2, fewest=2, most=3)
    assert model.run(60, **clients(50)) == 3
    assert model.run(60, **clients(0)) == 2


def test_one_that_is_out_of_its_bounds_comes_within_them_at_once():
    assert Model(workers=1, fewest=2).run(EVERY_S, **clients(0)) == 2
    assert Model(workers=9, most=3).run(EVERY_S, **clients(0)) == 3


def test_a_burst_changes_nothing():
    model = Model()
    for _ in range(20):
        model.run(0.5 * GROW_S, **clients(50))
        model.run(0.5 * GROW_S, **clients(1))
    assert model.sizes == [1]


def test_a_wait_that_a_free_worker_ends_changes_nothing():
    model = Model(workers=2, fewest=2)
    model.run(10, waiting=5, busy=1)
    assert model.sizes == [2]


def test_a_look_between_two_requests_does_not_hide_that_others_wait():
    model = Model()
    looks = iter([4, 4, 4, 0] * 100)
    model.run(2 * GROW_S + 1, waiting=lambda workers: next(looks), busy=8)
    assert model.workers > 1


def test_what_had_nothing_to_do_for_long_goes_and_not_before():
    model = Model(workers=8)
    model.run(SHRINK_S - 1, **clients(3))
    assert model.sizes == [8]
    model.run(3, **clients(3))
    assert model.sizes == [8, 3]
    model.run(2 * SHRINK_S, **clients(0))
    assert model.sizes == [8, 3, 1]


def test_a_load_that_comes_again_and_again_keeps_its_workers():
    model = Model(workers=4, fewest=1)
    for _ in range(10):
        model.run(1, **clients(4))
        model.run(SHRINK_S - 3, **clients(0))
    assert model.sizes == [4]


@pytest.mark.parametrize('number', range(1, 9))
def test_a_load_that_does_not_change_comes_to_rest(number):
    model = Model()
    model.run(5 * SHRINK_S, **clients(number))
    before = len(model.sizes)
    assert model.workers >= number
    model.run(20 * SHRINK_S, **clients(number))
    assert len(model.sizes) == before


def test_those_that_are_on_their_way_are_waited_for():
    model = Model()
    model.run(GROW_S + 1, **clients(50))
    assert model.sizes[:2] == [1, 2]
    before = model.workers
    model.run(60, here=1, **clients(50))
    assert model.workers == before
