"""What the workers of a model are to be; none of them runs for that."""

from collections import Counter

import pytest

from mms.devices.device import CPU, Device
from mms.pool.capacity import Capacity
from mms.pool.process import WorkerProcess
from mms.pool.reconcile import DesiredState
from mms.pool.settings import PoolSettings
from mms.pool.sizing import PoolSize
from mms.pool.worker import WorkerKind
from mms.pool.workers import Workers
from mms.runtime.resources import Resources

EIGHT = Resources(8, 2**40, 8)
SIZE = PoolSize(4, 2, (4, 8), 'as was chosen')
BETWEEN = WorkerKind(4, permanent=False)
NOTHING = DesiredState()


def of(size=SIZE, **settings):
    """What there is to be where a size was chosen."""
    capacity = Capacity(PoolSettings(EIGHT, **settings))
    capacity.take(size)
    return capacity


@pytest.fixture
def workers():
    """A place for workers, and one of them for each number of threads that is given."""
    def made(*kinds):
        held = Workers()
        for kind in kinds:
            worker = held.add(kind)
            worker.warm_up()
            held.admit(worker, WorkerProcess('m', lambda ends: None, kind.threads,
                                             lambda process: None))
        return held

    return made


def test_there_is_one_for_a_lone_request_beside_those_for_the_load():
    assert Counter(of().desired(NOTHING).kinds) == {WorkerKind(2): 4, WorkerKind(8): 1}


def test_those_for_a_load_between_stay_while_their_threads_pay():
    before = DesiredState((WorkerKind(2), BETWEEN, WorkerKind(3, permanent=False)))
    assert Counter(of().desired(before).kinds) == {
        WorkerKind(2): 4, WorkerKind(8): 1, BETWEEN: 1}


def test_another_size_can_be_wanted_for_a_moment():
    capacity = of()
    tried = capacity.desired(NOTHING, SIZE._replace(workers=1, wider=()))
    assert tried.kinds == (WorkerKind(2),)
    assert capacity.size == SIZE


def test_each_device_has_a_worker():
    devices = [Device(CPU, 0), Device(CPU, 1)]
    capacity = of(PoolSize(2, 4, (), ''), devices=devices)
    assert capacity.kinds == (WorkerKind(4, devices[0]), WorkerKind(4, devices[1]))
    assert capacity.on_devices
    assert not capacity.may_settle


@pytest.mark.parametrize(('asked', 'now', 'after'), [(8, 1, 2), (8, 5, 5), (4, 8, 4)])
def test_where_the_load_decides_as_many_stay_as_may(asked, now, after):
    capacity = of(workers=8, fewest_workers=2)
    assert capacity.size.workers == 2
    capacity.resize(now)
    capacity.scale(SIZE._replace(workers=asked), asked, (), 2)
    assert (capacity.size.workers, capacity.bounds) == (after, (2, asked))
    assert capacity.size.why == f'2 to {asked}, as the load asks for'


@pytest.mark.parametrize(('wanted', 'nearest'), [(1, 2), (5, 5), (9, 8)])
def test_no_number_is_out_of_the_bounds(wanted, nearest):
    assert of(workers=8, fewest_workers=2).nearest(wanted) == nearest


def test_without_bounds_a_size_is_taken_as_it_was_chosen():
    capacity = of(workers=4)
    assert (capacity.size, capacity.bounds, capacity.nearest(3)) == (SIZE, None, None)
    capacity.scale(SIZE._replace(workers=6), 6, (), None)
    assert (capacity.size.workers, capacity.asked) == (6, 6)


def test_once_wider_workers_do_not_start_no_size_has_them():
    capacity = of()
    capacity.do_without_wider()
    assert capacity.size.wider == ()
    capacity.take(SIZE)
    assert capacity.size == SIZE._replace(wider=())


def test_fewer_may_pay_where_nobody_has_said_how_many():
    assert of().may_settle
    assert not of(workers=4).may_settle
    assert not of(SIZE._replace(workers=2)).may_settle


def test_a_size_that_could_not_be_measured_is_kept():
    capacity = of()
    with pytest.raises(ZeroDivisionError):
        capacity.settle((1, 2, 4), lambda size: 1 / 0)
    assert capacity.size == SIZE


def test_one_more_comes_for_a_load_between_until_the_cores_are_full(workers):
    capacity, kinds = of(), [WorkerKind(2)] * 4
    assert capacity.has_room_for(BETWEEN, workers(*kinds), NOTHING)
    one = DesiredState((BETWEEN,))
    assert capacity.has_room_for(BETWEEN, workers(*kinds, BETWEEN), one)
    assert not capacity.has_room_for(BETWEEN, workers(*kinds, BETWEEN, BETWEEN), one.plus(BETWEEN))


def test_they_come_one_after_the_other(workers):
    capacity, coming = of(), workers(WorkerKind(2))
    assert not capacity.has_room_for(BETWEEN, coming, DesiredState((BETWEEN,)))
    coming.add(BETWEEN)
    assert not capacity.has_room_for(BETWEEN, coming, DesiredState((BETWEEN,)))
