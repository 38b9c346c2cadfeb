"""Which of the free workers is taken; they need no processes for that."""

from collections import Counter

from mms.devices.device import GPU, Device
from mms.pool.idle import best_idle
from mms.pool.worker import Worker, WorkerKind

FIRST, SECOND = Device(GPU, 0), Device(GPU, 1)


def free(threads=0, device=None):
    return Worker(WorkerKind(threads, device))


def test_the_one_that_was_busy_last_is_taken_first():
    one, other = free(1), free(1)
    assert best_idle([one, other], 1, Counter()) is other
    assert best_idle([other, one], 1, Counter()) is one


def test_a_worker_on_the_device_that_does_the_least_is_taken():
    one, other = free(device=FIRST), free(device=SECOND)
    assert best_idle([one, other], 1, Counter({SECOND: 1})) is one
    assert best_idle([other, one], 1, Counter({FIRST: 1})) is other
    assert best_idle([one, other], 1, Counter({FIRST: 2, SECOND: 1})) is other


def test_of_two_devices_that_do_as_much_the_warmest_worker_is_taken():
    one, other = free(device=FIRST), free(device=SECOND)
    assert best_idle([one, other], 1, Counter({FIRST: 1, SECOND: 1})) is other
    assert best_idle([other, one], 1, Counter({FIRST: 1, SECOND: 1})) is one


def test_the_one_with_the_most_threads_that_fit_is_taken_or_else_with_the_fewest():
    two, four, eight = free(2), free(4), free(8)
    assert best_idle([two, four, eight], 5, Counter()) is four
    assert best_idle([eight, four], 1, Counter()) is four
