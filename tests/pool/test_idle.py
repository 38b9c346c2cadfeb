"""Which of the free workers is taken; their processes need not run for that."""

from collections import Counter

import pytest

from mms.devices.device import GPU, Device
from mms.pool.idle import Idle
from mms.pool.process import WorkerProcess

FIRST, SECOND = Device(GPU, 0), Device(GPU, 1)


@pytest.fixture
def worker():
    return lambda threads=0, device=None: WorkerProcess(
        'm', lambda ends: None, threads, lambda process: None, device)


def idle_of(*workers):
    idle = Idle()
    for worker in workers:
        idle.put(worker)
    return idle


def test_the_one_that_was_busy_last_is_taken_first(worker):
    older, newer = worker(1), worker(1)
    idle = idle_of(older, newer)
    assert [idle.take(1, Counter()), idle.take(1, Counter())] == [newer, older]


def test_a_worker_on_the_device_that_does_the_least_is_taken(worker):
    one, other = worker(device=FIRST), worker(device=SECOND)
    assert idle_of(one, other).take(1, Counter({SECOND: 1})) is one
    assert idle_of(other, one).take(1, Counter({FIRST: 1})) is other
    assert idle_of(one, other).take(1, Counter({FIRST: 2, SECOND: 1})) is other


def test_of_two_devices_that_do_as_much_the_warmest_worker_is_taken(worker):
    one, other = worker(device=FIRST), worker(device=SECOND)
    assert idle_of(one, other).take(1, Counter({FIRST: 1, SECOND: 1})) is other
