"""Which of the free workers is taken; they need no processes for that."""

from collections import Counter
from typing import NamedTuple, Optional

from mms.devices.device import GPU, Device
from mms.pool.idle import best_idle, can_serve
from mms.pool.worker import WorkerKind

FIRST, SECOND = Device(GPU, 0), Device(GPU, 1)


class Free(NamedTuple):
    kind: WorkerKind
    since: float


def free(threads: int = 0, device: Optional[Device] = None, since: float = 0.0):
    return Free(WorkerKind(threads, device), since)


def test_the_one_that_was_busy_last_is_taken_first():
    older, newer = free(1, since=1.0), free(1, since=2.0)
    assert best_idle([newer, older], 1, Counter()) is newer
    assert best_idle([older, newer], 1, Counter()) is newer


def test_a_worker_on_the_device_that_does_the_least_is_taken():
    one, other = free(device=FIRST, since=1.0), free(device=SECOND, since=2.0)
    assert best_idle([one, other], 1, Counter({SECOND: 1})) is one
    assert best_idle([one, other], 1, Counter({FIRST: 1})) is other
    assert best_idle([one, other], 1, Counter({FIRST: 2, SECOND: 1})) is other


def test_of_two_devices_that_do_as_much_the_warmest_worker_is_taken():
    one, other = free(device=FIRST, since=1.0), free(device=SECOND, since=2.0)
    assert best_idle([one, other], 1, Counter({FIRST: 1, SECOND: 1})) is other


def test_the_one_with_the_most_threads_that_fit_is_taken_or_else_with_the_fewest():
    two, four, eight = free(2), free(4), free(8)
    assert best_idle([two, four, eight], 5, Counter()) is four
    assert best_idle([eight, four], 1, Counter()) is four


def test_a_free_worker_on_more_threads_waits_for_a_lone_request_while_there_are_others():
    narrow, wide = free(1), free(4)
    assert can_serve([wide], [wide], 1)
    assert not can_serve([wide], [wide, narrow], 1)
    assert can_serve([wide], [wide, narrow], 4)
    assert not can_serve([], [wide, narrow], 4)
