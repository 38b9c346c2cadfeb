"""The workers that a model has, by their states; their processes need not run for that."""

from collections import Counter

import pytest

from mms.pool.process import WorkerProcess
from mms.pool.worker import WorkerKind, WorkerState
from mms.pool.workers import Workers

NOBODY = Counter()


@pytest.fixture
def workers():
    return Workers()


@pytest.fixture
def ready(workers):
    """A worker on so many threads that is ready for requests."""
    def ready(threads=1):
        worker = workers.add(WorkerKind(threads))
        worker.warm_up()
        workers.admit(worker, WorkerProcess('m', lambda ends: None, threads, lambda process: None))
        return worker

    return ready


def test_one_is_known_from_the_decision_to_have_it_to_its_end(workers):
    worker = workers.add(WorkerKind(1))
    assert (workers.all, workers.loaded) == ([worker], [])
    worker.turn_to(WorkerState.GONE)
    assert workers.all == []


def test_one_that_is_ready_is_found_by_its_process_until_it_has_gone(workers, ready):
    worker = ready()
    process = worker.process
    assert workers.of(process) is worker
    worker.turn_to(WorkerState.CLOSING)
    assert workers.of(process) is worker
    assert (workers.loaded, workers.admitted) == ([], [worker])
    worker.turn_to(WorkerState.GONE)
    assert workers.of(process) is None
    assert workers.admitted == []


def test_the_one_that_was_given_back_last_is_taken_first(workers, ready):
    one, other = ready(), ready()
    assert workers.take(1, 9, NOBODY) is other
    assert workers.take(1, 9, NOBODY) is one
    assert workers.take(1, 9, NOBODY) is None
    other.turn_to(WorkerState.IDLE)
    one.turn_to(WorkerState.IDLE)
    assert workers.take(1, 9, NOBODY) is one


def test_no_more_are_taken_than_may_be_busy_those_that_retire_included(workers, ready):
    first, _, _ = ready(), ready(), ready()
    assert workers.take(1, 2, NOBODY)
    assert workers.take(1, 2, NOBODY)
    assert workers.busy == 2
    assert workers.take(1, 2, NOBODY) is None
    [idle] = workers.idle
    assert idle is first
    for worker in workers.loaded:
        if worker.state is WorkerState.BUSY:
            worker.turn_to(WorkerState.RETIRING)
    assert workers.take(1, 2, NOBODY) is None


def test_one_on_more_threads_waits_for_a_lone_request_while_there_are_others(workers, ready):
    narrow, wide = ready(1), ready(4)
    assert workers.take(1, 9, NOBODY) is narrow
    assert workers.take(1, 9, NOBODY) is None
    assert workers.take(4, 9, NOBODY) is wide
    wide.turn_to(WorkerState.IDLE)
    narrow.turn_to(WorkerState.GONE)
    assert workers.take(1, 9, NOBODY) is wide


def test_the_time_without_a_worker_begins_when_the_last_one_goes(workers, ready):
    assert workers.empty_s > 0
    one, other = ready(), ready()
    one.turn_to(WorkerState.GONE)
    assert workers.empty_s == 0
    other.turn_to(WorkerState.BUSY)
    assert workers.empty_s == 0
    other.turn_to(WorkerState.CLOSING)
    assert 0 < workers.empty_s < 1
    workers.add(WorkerKind(1))
    assert workers.empty_s > 0
