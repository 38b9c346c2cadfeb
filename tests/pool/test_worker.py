"""The states of one worker; it needs no process for them."""

import pytest

from mms.pool.worker import IllegalTransition, Worker, WorkerKind, WorkerState

S = WorkerState
LIFE = [S.WARMING, S.IDLE, S.BUSY, S.RETIRING, S.CLOSING, S.GONE]
# What may follow each state: written down once more, so that a change has to be meant.
NEXT = {
    S.SPAWNING: {S.WARMING, S.GONE},
    S.WARMING: {S.IDLE, S.GONE},
    S.IDLE: {S.BUSY, S.CLOSING, S.GONE},
    S.BUSY: {S.IDLE, S.RETIRING, S.CLOSING, S.GONE},
    S.RETIRING: {S.CLOSING, S.GONE},
    S.CLOSING: {S.GONE},
    S.GONE: set(),
}
WAYS = {
    S.SPAWNING: [], S.WARMING: LIFE[:1], S.IDLE: LIFE[:2], S.BUSY: LIFE[:3],
    S.RETIRING: LIFE[:4], S.CLOSING: LIFE[:5], S.GONE: LIFE[:6],
}


def brought_to(state):
    worker = Worker(WorkerKind(1))
    for step in WAYS[state]:
        worker.turn_to(step)
    assert worker.state is state
    return worker


@pytest.mark.parametrize('state', list(S))
@pytest.mark.parametrize('wanted', list(S))
def test_a_worker_goes_only_where_its_state_leads(state, wanted):
    worker = brought_to(state)
    if wanted in NEXT[state]:
        worker.turn_to(wanted)
        assert worker.state is wanted
        return
    with pytest.raises(IllegalTransition, match=f'{state.value} cannot be {wanted.value}'):
        worker.turn_to(wanted)
    assert worker.state is state


def test_a_worker_serves_again_and_again():
    worker = brought_to(S.IDLE)
    for state in (S.BUSY, S.IDLE, S.BUSY, S.IDLE):
        before = worker.since
        worker.turn_to(state)
        assert worker.since >= before


def test_a_second_process_of_one_that_failed_at_its_warm_up_is_warmed_up_as_well():
    worker = Worker(WorkerKind(1))
    worker.warm_up()
    worker.warm_up()
    assert worker.state is S.WARMING


def test_nobody_else_changes_the_state():
    with pytest.raises(AttributeError):
        Worker(WorkerKind(1)).state = S.IDLE
