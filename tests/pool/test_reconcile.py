"""What is to be done, by the workers that are wanted and those that there are."""

from typing import NamedTuple

import pytest

from mms.devices.device import GPU, Device
from mms.pool.reconcile import Actions, DesiredState, Pause, agree, reconcile
from mms.pool.worker import WorkerKind, WorkerState

ONE, WIDE = WorkerKind(1), WorkerKind(4)
BETWEEN = WorkerKind(2, permanent=False)
FIRST, SECOND = WorkerKind(0, Device(GPU, 0)), WorkerKind(0, Device(GPU, 1))
SPAWNING, WARMING, IDLE, BUSY, RETIRING, CLOSING, _ = WorkerState
NOTHING = Actions()


class View(NamedTuple):
    kind: WorkerKind
    state: WorkerState
    is_to_be_replaced: bool = False
    since: float = 0.0


def wanted(*kinds):
    return DesiredState(kinds)


def seen(*states, kind=ONE):
    return [View(kind, state) for state in states]


def worn(state, kind=ONE):
    return View(kind, state, is_to_be_replaced=True)


def test_nothing_is_done_where_they_agree():
    assert reconcile(wanted(ONE, ONE, WIDE), [*seen(IDLE, BUSY), *seen(IDLE, kind=WIDE)]) == NOTHING
    assert reconcile(wanted(), []) == NOTHING


def test_what_is_missing_is_spawned_each_of_its_kind():
    actions = reconcile(wanted(ONE, ONE, ONE, WIDE), seen(BUSY))
    assert actions == Actions(spawn=(ONE, ONE, WIDE))


@pytest.mark.parametrize('state', [SPAWNING, WARMING])
def test_what_is_on_its_way_is_not_spawned_twice(state):
    assert reconcile(wanted(ONE, ONE), seen(IDLE, state)) == NOTHING


@pytest.mark.parametrize('state', [RETIRING, CLOSING])
def test_one_that_goes_counts_no_more(state):
    assert reconcile(wanted(ONE), seen(state)).spawn == (ONE,)


@pytest.mark.parametrize('state', [RETIRING, CLOSING])
def test_a_device_is_given_to_the_next_one_when_the_last_has_left_it(state):
    assert reconcile(wanted(FIRST), seen(state, kind=FIRST)) == NOTHING
    assert reconcile(wanted(SECOND), seen(state, kind=FIRST)).spawn == (SECOND,)
    assert reconcile(wanted(FIRST), []).spawn == (FIRST,)


def test_a_pause_holds_up_one_worker_of_its_kind():
    desired = wanted(ONE, ONE, WIDE)
    assert reconcile(desired, [], [Pause(ONE, 7.0)]).spawn == (ONE, WIDE)
    assert reconcile(desired, [], [Pause(ONE, 7.0), Pause(ONE, 9.0)]).spawn == (WIDE,)
    assert reconcile(desired, seen(IDLE, IDLE), [Pause(ONE, 7.0)]).spawn == (WIDE,)


def test_a_worn_worker_is_kept_until_another_is_there():
    desired = wanted(ONE, ONE)
    old, other = worn(BUSY), View(ONE, IDLE)
    assert reconcile(desired, [old, other]) == Actions(replace=(ONE,))
    assert reconcile(desired, [old, other, *seen(WARMING)]) == NOTHING
    assert reconcile(desired, [old, other, *seen(IDLE)]) == Actions(retire=(old,))


def test_a_worn_worker_goes_when_its_successor_is_there_whatever_else_is_missing():
    old = worn(IDLE, FIRST)
    actions = reconcile(wanted(FIRST, SECOND), [old, *seen(IDLE, kind=FIRST)])
    assert actions == Actions(spawn=(SECOND,), retire=(old,))


def test_beside_a_worn_worker_one_that_died_is_spawned():
    assert reconcile(wanted(ONE, ONE), [worn(BUSY)]) == Actions(spawn=(ONE,), replace=(ONE,))
    assert reconcile(wanted(ONE, ONE), [worn(RETIRING), *seen(IDLE)]) == Actions(spawn=(ONE,))


def test_a_worn_worker_of_a_kind_that_is_wanted_no_more_has_no_successor():
    old = worn(IDLE, WIDE)
    assert reconcile(wanted(ONE), [old, *seen(IDLE)]) == Actions(retire=(old,))


def test_of_too_many_worn_ones_go_first_then_idle_ones_the_longest_then_busy_ones():
    workers = [View(ONE, BUSY, since=1.0), View(ONE, IDLE, since=9.0), View(ONE, IDLE, since=2.0),
               worn(BUSY), worn(IDLE), View(ONE, BUSY, since=3.0)]
    order = [workers[place] for place in (4, 3, 2, 1)]
    assert reconcile(wanted(ONE, ONE), workers).retire == tuple(order)
    assert reconcile(wanted(*[ONE] * 5), workers).retire == tuple(order[:1])
    # The two that are left for the last are busy, and go all the same.
    assert set(reconcile(wanted(), workers).retire) == set(workers)


def test_workers_of_a_kind_that_is_wanted_no_more_serve_until_others_are_there():
    before = [View(WIDE, IDLE, since=1.0), View(WIDE, BUSY, since=2.0)]
    assert reconcile(wanted(ONE, ONE), before) == Actions(spawn=(ONE, ONE))
    assert reconcile(wanted(ONE, ONE), [*before, *seen(IDLE, SPAWNING)]).retire == (before[0],)
    assert set(reconcile(wanted(ONE, ONE), [*before, *seen(IDLE, BUSY)]).retire) == set(before)


def test_fewer_workers_on_more_threads_take_over_one_by_one():
    before = seen(IDLE, IDLE, IDLE, IDLE)
    assert len(reconcile(wanted(WIDE), before).retire) == 3
    assert reconcile(wanted(WIDE), before).spawn == (WIDE,)
    assert reconcile(wanted(WIDE), [before[0], *seen(WARMING, kind=WIDE)]) == NOTHING
    assert reconcile(wanted(WIDE), [before[0], *seen(IDLE, kind=WIDE)]).retire == (before[0],)


def test_one_for_a_load_between_goes_when_it_is_wanted_no_more():
    between = View(BETWEEN, IDLE)
    desired = wanted(ONE).plus(BETWEEN)
    assert reconcile(desired, seen(IDLE)) == Actions(spawn=(BETWEEN,))
    assert reconcile(desired, [between, *seen(IDLE)]) == NOTHING
    assert reconcile(desired.minus(BETWEEN), [between, *seen(IDLE)]) == Actions(retire=(between,))


def test_no_more_is_taken_from_what_is_wanted_than_is_there():
    assert wanted(ONE).minus(WIDE) == wanted(ONE)
    assert wanted(ONE, WIDE, ONE).minus(ONE) == wanted(WIDE, ONE)
    assert wanted(ONE, ONE).count(ONE) == 2


@pytest.mark.parametrize('workers', [
    seen(IDLE), seen(IDLE, IDLE, IDLE), seen(IDLE, WARMING), seen(IDLE, RETIRING),
    [*seen(IDLE, BUSY), *seen(CLOSING)], [*seen(IDLE), worn(IDLE)], seen(IDLE, IDLE, kind=WIDE)])
def test_they_do_not_agree_before_all_are_ready_and_the_others_have_gone(workers):
    assert not agree(wanted(ONE, ONE), workers)
    assert agree(wanted(ONE, ONE), seen(IDLE, BUSY))


def test_one_that_is_worn_has_no_successor_in_another_that_is_worn():
    workers = [worn(BUSY), worn(BUSY)]
    # Two are to serve until another is there.
    assert reconcile(wanted(ONE, WIDE), workers).retire == ()
    assert reconcile(wanted(ONE), [*seen(IDLE), worn(BUSY)]).retire == (worn(BUSY),)
