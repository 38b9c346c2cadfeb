"""More workers, fewer, or others: real processes, which come and go while the model serves."""

import gevent
import launcher
import psutil
import pytest
from fleet import kill, mxnet_service, patch_pool, supervisor, until
from harness import SERVICE, work

from mms.devices.device import Device
from mms.errors import ServiceError
from mms.ipc.messages import Result
from mms.pool.starter import WorkerStarter
from mms.pool.worker import WorkerState
from mms.runtime.resources import Resources

SLOW = '__import__("time").sleep(data[0][0])\nreturn data'
FOUR_CORES = Resources(4, 2**40, 4)
UNFORKABLE = 'import socket\n' + SERVICE.format(body='        return data').replace(
    'self.model_name = model_name', 'self.pair = socket.socketpair()')


@pytest.fixture
def pays(monkeypatch):
    """Say on which numbers of threads a request is answered sooner, whatever is measured here."""
    return lambda *levels: monkeypatch.setattr(WorkerStarter, 'levels', levels)


def threads(workers):
    return sorted(worker.threads for worker in workers.here)


def answers(workers):
    worker = workers.acquire()
    answer = worker.exchange(work('[0]'))
    workers.release(worker)
    return isinstance(answer, Result)


@pytest.mark.engine
def test_workers_are_added_and_the_ones_before_go_on(supervise):
    workers = supervise()
    before = workers.pids
    workers.scale(3)
    until(lambda: workers.agrees)
    assert len(workers.pids) == 3
    assert workers.pids[:1] == before
    parents = {psutil.Process(pid).ppid() for pid in workers.pids}
    assert parents == {workers.template_pid}
    assert all(answers(workers) for _ in range(3))


@pytest.mark.engine
def test_idle_workers_go_at_once_and_busy_ones_when_they_have_answered(supervise):
    workers = supervise(SLOW, workers=4)
    busy = [workers.acquire() for _ in range(3)]
    slow = [gevent.spawn(worker.exchange, work('[0.5]')) for worker in busy]
    [idle] = workers.free
    workers.scale(1)
    until(lambda: idle.pid not in workers.pids)
    assert sorted(workers.pids) == sorted(worker.pid for worker in busy)
    assert workers.states[WorkerState.RETIRING] == 2
    for worker, answer in zip(busy, slow):
        assert isinstance(answer.get(timeout=20), Result)
        workers.release(worker)
    until(lambda: workers.agrees)
    assert len(workers.pids) == 1
    until(lambda: len(psutil.Process(workers.template_pid).children()) == 1)


def test_what_was_wanted_last_holds(supervise, caplog):
    caplog.set_level('INFO')
    workers = supervise(workers=2)
    for number in (5, 1, 4, 3):
        workers.scale(number)
        gevent.sleep(0.01)
    until(lambda: workers.agrees)
    assert len(workers.pids) == 3
    assert 'Model m0 is to have 3 workers (as was asked for).' in caplog.messages
    workers.scale(3)
    assert workers.agrees


def test_a_worker_that_has_died_is_not_missed_where_fewer_are_wanted(supervise):
    workers = supervise(workers=2)
    [first, second] = workers.pids
    workers.scale(1)
    kill(first)
    until(lambda: workers.agrees and first not in workers.pids)
    assert len(workers.pids) == 1
    assert answers(workers)


@pytest.mark.engine
def test_the_threads_of_workers_follow_their_number(supervise, pays):
    pays(1, 2, 4)
    workers = supervise(source=mxnet_service('pass'), workers=4, resources=FOUR_CORES)
    assert threads(workers) == [1, 1, 1, 1, 4]
    workers.scale(2)
    until(lambda: workers.agrees)
    assert workers.size[:3] == (2, 2, (4,))
    assert threads(workers) == [2, 2, 4]
    workers.scale(1)
    until(lambda: workers.agrees)
    # The wide one is the one: nothing was started for it.
    assert workers.size[:3] == (1, 4, ())
    assert threads(workers) == [4]
    workers.scale(4)
    until(lambda: workers.agrees)
    assert threads(workers) == [1, 1, 1, 1, 4]
    assert workers.acquire(4).threads == 4


def test_the_number_is_chosen_anew_where_none_is_given(supervise):
    workers = supervise(workers=1, resources=Resources(3, 2**40, 1))
    workers.scale()
    assert workers.size.workers == 3
    until(lambda: workers.agrees)
    assert len(workers.pids) == 3


def test_workers_that_load_the_model_themselves_come_and_go_too(supervise):
    workers = supervise(source=UNFORKABLE)
    assert workers.template_pid is None
    workers.scale(2)
    until(lambda: workers.agrees)
    assert answers(workers)
    assert len(launcher.children()) == 2
    workers.scale(1)
    until(lambda: workers.agrees)
    assert len(launcher.children()) == 1


def test_devices_are_given_and_taken_away(supervise):
    one, other = Device('cpu', 0), Device('cpu', 1)
    workers = supervise(workers=None, pool={'devices': [one]})
    [before] = workers.pids
    workers.scale(devices=[one, other])
    until(lambda: workers.agrees)
    assert sorted(str(worker.device) for worker in workers.here) == ['cpu:0', 'cpu:1']
    workers.scale(devices=[other])
    until(lambda: workers.agrees)
    [left] = workers.here
    assert left.device == other
    assert left.pid != before
    assert answers(workers)


def test_a_device_that_is_given_back_is_free_before_the_next_worker_comes(supervise):
    device = Device('cpu', 0)
    workers = supervise(SLOW, workers=None, pool={'devices': [device, device]})
    busy = [workers.acquire() for _ in range(2)]
    workers.scale(devices=[device])
    until(lambda: workers.states[WorkerState.RETIRING] == 1)
    workers.scale(devices=[device, device])
    gevent.sleep(0.3)
    assert workers.states == {WorkerState.RETIRING: 1, WorkerState.BUSY: 1}
    for worker in busy:
        workers.release(worker)
    until(lambda: workers.agrees)
    assert len(workers.pids) == 2


def test_a_model_is_scaled_only_while_it_serves_and_stays_where_it_is(tmp_path, supervise):
    loading = supervisor(tmp_path, 'loading')
    with pytest.raises(ServiceError, match='Model loading is loading: .* while it serves'):
        loading.scale(2)
    workers = supervise()
    with pytest.raises(ServiceError, match='Model m0 is on the processors: .* Load it anew'):
        workers.scale(devices=[Device('cpu', 0)])
    workers.stop()
    with pytest.raises(ServiceError, match='Model m0 is stopping'):
        workers.scale(2)


def test_stopping_while_workers_are_added_leaves_no_process(supervise):
    workers = supervise()
    workers.scale(4)
    with gevent.Timeout(20):
        # It is one only until its process answers: none is missed.
        while not workers.states[WorkerState.WARMING]:
            gevent.sleep(0)
    workers.stop()
    assert launcher.children(recursive=True) == []


@pytest.mark.parametrize('moment_s', [0.0, 0.3, 1.0])
def test_a_stop_while_a_model_starts_leaves_no_process(tmp_path, moment_s):
    workers = supervisor(tmp_path, 'm', workers=4)
    starting = gevent.spawn(workers.start)
    gevent.sleep(moment_s)
    starting.kill()
    workers.stop()
    assert launcher.children(recursive=True) == []


def test_a_stop_beside_a_start_that_goes_on_ends_it(tmp_path, monkeypatch, caplog):
    workers = supervisor(tmp_path, 'm', workers=2)
    right = WorkerStarter.start

    def start(*arguments):
        process = right(*arguments)
        if not stopping:
            stopping.append(gevent.spawn(workers.stop))
            gevent.sleep(0)
        return process

    stopping = []
    monkeypatch.setattr(WorkerStarter, 'start', start)
    # Which of the two workers tells of it first is a matter of chance.
    with pytest.raises(ServiceError):
        workers.start()
    stopping[0].join()
    assert 'cannot be forked' not in caplog.text
    until(lambda: launcher.children(recursive=True) == [])


def test_one_that_dies_when_it_is_ready_is_never_handed_out(supervise, monkeypatch, caplog):
    workers = supervise()
    right, dead = WorkerStarter.start, []

    def start(*arguments):
        process = right(*arguments)
        if not dead:
            dead.append(process.pid)
            kill(process.pid)
            until(lambda: process.gone)
        return process

    monkeypatch.setattr(WorkerStarter, 'start', start)
    workers.scale(2)
    until(lambda: workers.agrees)
    assert 'A worker of model m0 did not start: it ended when it was ready' in caplog.text
    assert not set(dead) & set(workers.pids)
    assert all(answers(workers) for _ in range(4))


def test_one_for_a_load_between_goes_when_nobody_needs_it_for_a_while(
        supervise, pays, monkeypatch):
    patch_pool(monkeypatch, '_KEEP_IDLE_S', 1.0)
    pays(1, 2, 4)
    workers = supervise(source=mxnet_service('pass'), workers=4, resources=FOUR_CORES)
    workers.release(workers.acquire(2))
    until(lambda: threads(workers) == [1, 1, 1, 1, 2, 4])
    until(lambda: workers.agrees and threads(workers) == [1, 1, 1, 1, 4])
    workers.release(workers.acquire(2))
    until(lambda: threads(workers) == [1, 1, 1, 1, 2, 4])


def test_one_for_a_load_between_that_does_not_start_is_not_tried_again_at_once(
        supervise, pays, monkeypatch):
    pays(1, 2, 4)
    workers = supervise(source=mxnet_service('pass'), workers=4, resources=FOUR_CORES)
    tried = []

    def start(starter, kind, *_):
        tried.append(kind)
        raise ServiceError('no memory')

    monkeypatch.setattr(WorkerStarter, 'start', start)
    for _ in range(5):
        workers.release(workers.acquire(2))
        gevent.sleep(0.05)
    assert [kind.threads for kind in tried] == [2]
    assert workers.agrees
    assert workers.ill_health() == ''


def test_a_pause_before_a_worker_that_is_wanted_no_more_delays_no_other(supervise):
    workers = supervise(workers=2)
    workers._succession.take_out(workers.acquire(), 30.0)
    workers.scale(1)
    until(lambda: workers.agrees)
    [pid] = workers.pids
    kill(pid)
    until(lambda: workers.pids not in ([], [pid]), 5)
    assert answers(workers)


@pytest.mark.engine
def test_within_bounds_workers_come_and_go_on_as_many_threads_as_the_most_have(supervise, pays):
    pays(1, 2, 4)
    workers = supervise(workers=4, resources=FOUR_CORES, pool={'fewest_workers': 1})
    assert workers.bounds == (1, 4)
    # One for a lone request is beside them.
    assert threads(workers) == [1, 4]
    before = workers.pids
    workers.resize(4)
    until(lambda: workers.agrees)
    assert threads(workers) == [1, 1, 1, 1, 4]
    assert set(before) <= set(workers.pids)
    workers.resize(1)
    until(lambda: workers.agrees)
    assert threads(workers) == [1, 4]
    assert all(answers(workers) for _ in range(3))


@pytest.mark.engine
def test_other_bounds_keep_as_many_workers_as_they_allow(supervise):
    workers = supervise(workers=4, pool={'fewest_workers': 1})
    workers.resize(3)
    until(lambda: workers.agrees)
    workers.scale(8, fewest=2)
    assert (workers.size.workers, workers.bounds) == (3, (2, 8))
    workers.scale(2, fewest=1)
    assert workers.size.workers == 2
    workers.scale(5)
    assert (workers.size.workers, workers.bounds) == (5, None)


def test_within_bounds_the_first_devices_have_workers(supervise):
    one, other = Device('cpu', 0), Device('cpu', 1)
    workers = supervise(workers=2, pool={'devices': [one, other], 'fewest_workers': 1})
    assert [worker.device for worker in workers.here] == [one]
    workers.resize(2)
    until(lambda: workers.agrees)
    assert sorted(str(worker.device) for worker in workers.here) == ['cpu:0', 'cpu:1']
    workers.resize(1)
    until(lambda: workers.agrees)
    assert [worker.device for worker in workers.here] == [one]
