"""Who keeps the workers of one model alive."""

import re

import gevent
import gevent.event
import launcher
import psutil
import pytest
from fleet import ONE_CORE, kill, mxnet_service, patch_pool, supervisor, until
from harness import predicted, work

from mms.errors import ModelUnavailable, ServiceError
from mms.ipc.messages import Ping, Result
from mms.pool.process import WorkerProcess
from mms.pool.starter import WorkerStarter
from mms.pool.worker import WorkerKind, WorkerState
from mms.runtime.resources import Resources

SWITCHED = """
import os, time
if os.path.exists({switch!r}):
    {trouble}
from mms.model_service.model_service import SingleNodeService
class Service(SingleNodeService):
    signature = {{'inputs': [{{'data_name': 'data', 'data_shape': [0]}}],
                 'input_type': 'application/json'}}
    def __init__(self, model_name, model_dir, manifest): pass
"""


@pytest.fixture
def switched(supervise, tmp_path):
    """A started supervisor; its model has trouble loading while the file `switch` exists."""
    return lambda trouble='raise OSError("no licence")': supervise(
        source=SWITCHED.format(switch=str(tmp_path / 'switch'), trouble=trouble))


@pytest.fixture
def pays(monkeypatch):
    """Say on which numbers of threads a request is answered sooner, whatever is measured here."""
    return lambda *levels: monkeypatch.setattr(WorkerStarter, 'levels', levels)


def kill_one(workers):
    [pid] = workers.pids
    kill(pid)
    until(lambda: workers.pids != [pid])
    return pid


def kill_all(workers):
    """The template, and with it its workers: the model has to be loaded anew."""
    kill(workers.template_pid)
    until(lambda: not workers.pids)


def answers(worker):
    return isinstance(worker.exchange(work('[1]')), Result)


def test_one_worker_is_started_taken_and_given_back(supervise):
    workers = supervise()
    worker = workers.acquire()
    assert not workers.free
    workers.release(worker)
    assert list(workers.free) == [worker]


@pytest.mark.engine
def test_a_worker_that_dies_idle_is_replaced_and_never_handed_out(supervise):
    workers = supervise()
    template, dead = workers.template_pid, kill_one(workers)
    worker = workers.acquire()
    assert worker.pid != dead
    assert answers(worker)
    assert workers.ill_health() == ''
    assert workers.template_pid == template


@pytest.mark.engine
def test_a_worker_is_replaced_though_the_system_has_not_ended_it_yet(
        supervise, monkeypatch, caplog):
    workers = supervise()
    dead, has_ended = workers.acquire(), gevent.event.Event()
    # As a driver of a device may hold up its end, for ever.
    monkeypatch.setattr(dead, 'how_it_ends', lambda: has_ended.wait() and 'at last')
    dead.abort()
    with gevent.Timeout(20):
        workers.release(dead)
        assert workers.acquire() is not dead
    assert 'died' not in caplog.text
    has_ended.set()
    until(lambda: 'How it ended: at last.' in caplog.text)


def test_a_dead_template_is_replaced_and_so_are_its_workers(supervise, caplog):
    workers = supervise(workers=3)
    template, before = workers.template_pid, set(workers.pids)
    kill(template)
    until(lambda: len(set(workers.pids) - before) == 3)
    assert workers.template_pid != template
    assert caplog.text.count('The template process of model m0 died; it is being replaced.') == 1
    parents = {psutil.Process(pid).ppid() for pid in workers.pids}
    assert parents == {workers.template_pid}
    assert all(answers(workers.acquire()) for _ in range(3))


@pytest.mark.engine
def test_as_many_workers_as_are_asked_for_answer_at_the_same_time(supervise):
    workers = supervise(workers=3)
    taken = [workers.acquire() for _ in range(3)]
    assert len({worker.pid for worker in taken}) == 3
    assert not workers.free
    assert workers.size[:3] == (3, 1, ())


@pytest.mark.engine
def test_a_lone_request_gets_the_worker_on_all_cores_and_many_the_others(supervise, pays):
    pays(1, 2)
    workers = supervise(source=mxnet_service('pass'), workers=2, resources=Resources(2, 2**40, 2))
    lone = workers.acquire(2)
    assert lone.threads == 2
    workers.release(lone)
    assert [workers.acquire(1).threads, workers.acquire(1).threads] == [1, 1]


def test_a_worker_on_all_cores_does_not_start_while_others_fill_them(supervise, pays):
    pays(1, 2)
    workers = supervise(source=mxnet_service('pass'), workers=2, resources=Resources(2, 2**40, 2))
    taken = [workers.acquire(1), workers.acquire(1)]
    third = gevent.spawn(workers.acquire, 1)
    gevent.sleep(0.05)
    assert not third.ready()
    workers.release(taken[0])
    assert third.get(timeout=30) is taken[0]


@pytest.mark.engine
def test_a_load_between_gets_workers_of_its_own(supervise, pays):
    pays(1, 2, 4)
    workers = supervise(source=mxnet_service('pass'), workers=4, resources=Resources(4, 2**40, 4))
    assert workers.size[:3] == (4, 1, (2, 4))
    workers.release(workers.acquire(2))
    until(lambda: len(workers.pids) == 6)
    taken = [workers.acquire(2), workers.acquire(2)]
    assert 2 in [worker.threads for worker in taken]


def test_a_model_that_computes_without_mxnet_has_no_worker_on_several_threads(supervise):
    workers = supervise(workers=1, resources=Resources(2, 2**40, 2))
    assert workers.size[:3] == (1, 1, ())
    workers.release(workers.acquire(2))
    assert len(workers.pids) == 1


@pytest.mark.engine
def test_a_lone_request_waits_for_no_thread_that_does_not_pay(supervise, pays):
    pays(1, 2)
    workers = supervise(source=mxnet_service('pass'), workers=8, resources=Resources(8, 2**40, 8))
    assert len(workers.pids) == 9
    assert workers.acquire(8).threads == 2


@pytest.mark.engine
def test_workers_that_do_not_pay_are_let_go_before_there_are_requests(
        supervise, pays, monkeypatch):
    pays(1, 2)
    patch_pool(monkeypatch, 'requests_per_s', lambda workers, batch_size: {
        (1, 1): 10.0, (8, 1): 20.0, (4, 2): 30.0, (2, 2): 25.0,
    }[len(workers), workers[0].threads])
    workers = supervise(source=mxnet_service('pass'), workers=None,
                        resources=Resources(8, 2**40, 8))
    assert workers.size[:3] == (8, 1, (2,))
    workers.settle()
    assert workers.size[:3] == (4, 2, ())
    assert 'measured 8 x 1 20/s, 4 x 2 30/s, 2 x 2 25/s' in workers.size.why
    assert [workers.acquire().threads for _ in range(4)] == [2] * 4
    assert not workers.free
    until(lambda: len(psutil.Process(workers.template_pid).children()) == 4)


def test_a_model_that_keeps_no_wide_worker_has_one_when_it_is_scaled(
        supervise, pays, monkeypatch):
    pays(1, 2)
    patch_pool(monkeypatch, 'requests_per_s',
               lambda workers, batch_size: 10.0 if len(workers) != 2 else 30.0)
    workers = supervise(workers=None, resources=Resources(4, 2**40, 2))
    assert workers.size[:3] == (4, 1, (2,))
    workers.settle()
    assert workers.size[:3] == (2, 2, ())
    workers.scale(4)
    assert workers.size[:3] == (4, 1, (2,))


def test_a_worker_that_dies_while_its_successor_is_refused_has_another_at_once(supervise):
    workers, refused = supervise(), gevent.event.Event()
    [ill], [pid] = workers.here, workers.pids
    succession = gevent.spawn(workers._succession.start_successor, ill,
                              lambda fresh: refused.wait() and 'it is ill')
    until(lambda: workers.states[WorkerState.WARMING])
    kill(pid)
    until(lambda: pid not in workers.pids)
    refused.set()
    succession.get()
    until(lambda: workers.pids, 5)
    assert answers(workers.acquire())


def test_a_worker_that_is_given_back_while_its_model_is_stopped_is_let_go(
        supervise, monkeypatch):
    workers, end, close = supervise(), gevent.event.Event(), WorkerProcess.close
    taken = workers.acquire()
    monkeypatch.setattr(WorkerProcess, 'close', lambda worker: end.wait() and close(worker))
    stop = gevent.spawn(workers.stop)
    until(lambda: workers.states[WorkerState.CLOSING])
    workers.release(taken)
    assert workers.states[WorkerState.CLOSING] == 1
    end.set()
    stop.get(timeout=20)
    assert not workers.states


@pytest.mark.engine
def test_workers_that_compute_beside_each_other_are_measured(supervise):
    workers = supervise(source=mxnet_service('time.sleep(0.02)'), workers=None,
                        resources=Resources(3, 2**40, 1))
    workers.settle()
    [per_s] = re.findall(r'measured 3 x 1 (\d+)/s', workers.size.why)
    # Three workers, each of which runs 4 together in 20 ms or a little more.
    assert 100 < int(per_s) <= 600


@pytest.mark.parametrize(('wanted', 'resources'), [
    (3, Resources(4, 2**40, 4)), (None, Resources(2, 2**40, 2))])
def test_what_the_user_has_said_and_two_workers_are_not_measured(supervise, wanted, resources):
    workers = supervise(source=mxnet_service('pass'), workers=wanted, resources=resources)
    before = workers.size
    workers.settle()
    assert workers.size == before


def test_a_service_that_cannot_be_measured_keeps_its_workers(supervise):
    workers = supervise(source=mxnet_service(
        'if os.getpid() != self.loaded_in and len(data[0]) > 1: os._exit(3)').replace(
            'signature = ', 'batchable = True\n    signature = ', 1), workers=None,
        resources=Resources(4, 2**40, 1), batch_size=4)
    assert workers.template_pid
    before = set(workers.pids)
    workers.settle()
    assert workers.size.workers == 4
    assert 'measured' not in workers.size.why
    until(lambda: before - set(workers.pids) and len(workers.pids) == 4, 90)


def test_a_worker_whose_template_dies_while_it_is_forked_is_forked_from_the_next(
        supervise, monkeypatch):
    workers = supervise(workers=1)
    starter, first = workers._starter, workers.template_pid
    spawner = starter._template.spawner

    def dying(threads):
        kill(first)
        return spawner(threads)

    monkeypatch.setattr(starter._template, 'spawner', dying)
    worker = starter.start(WorkerKind(1), lambda process: None, lambda: None)
    try:
        assert worker.exchange(Ping()) is not None
        assert workers.template_pid not in (first, None)
    finally:
        worker.close()


def test_a_template_that_dies_while_its_workers_are_measured_is_replaced(
        supervise, monkeypatch, pays):
    pays(1, 2)

    def measure(workers, batch_size):
        kill(made[0].template_pid)
        until(lambda: not made[0].pids)
        return 0.0

    patch_pool(monkeypatch, 'requests_per_s', measure)
    made = [supervise(source=mxnet_service('pass'), workers=None,
                      resources=Resources(4, 2**40, 4))]
    made[0].settle()
    until(lambda: len(made[0].pids) == 5, 60)
    gevent.sleep(0.5)
    assert len(made[0].pids) == 5
    assert made[0].size[:3] == (4, 1, (2,))


@pytest.mark.engine
def test_a_death_beside_a_worn_worker_that_is_still_busy_leaves_the_pool_whole(supervise):
    workers = supervise(workers=2, pool={'max_requests': 1})
    worn = workers.acquire()
    assert answers(worn)
    workers.release(worn)
    # At work again before its successor is there: it goes when it is given back.
    taken = [workers.acquire(), workers.acquire()]
    assert worn in taken
    until(lambda: len(workers.pids) == 3)
    [other] = [worker for worker in taken if worker is not worn]
    kill(other.pid)
    until(lambda: other.pid not in workers.pids and len(workers.pids) == 3)
    workers.release(worn)
    until(lambda: worn.pid not in workers.pids)
    assert len(workers.pids) == 2


def test_a_model_whose_workers_fail_to_start_is_given_up_and_recovers(switched, tmp_path):
    workers = switched()
    (tmp_path / 'switch').touch()
    kill_all(workers)
    until(workers.ill_health)
    assert 'no licence' in workers.ill_health()
    with pytest.raises(ModelUnavailable, match='does not start .*no licence'):
        workers.acquire()
    (tmp_path / 'switch').unlink()
    until(lambda: not workers.ill_health())
    assert answers(workers.acquire())


def test_a_worker_is_forked_anew_though_its_model_could_not_be_loaded_any_more(
        switched, tmp_path):
    workers = switched()
    (tmp_path / 'switch').touch()
    kill_one(workers)
    assert answers(workers.acquire())


def test_a_replacement_that_hangs_while_it_loads_counts_as_one_that_failed(
        switched, tmp_path, monkeypatch):
    patch_pool(monkeypatch, 'deadline_s', lambda first_load_s: 0.5)
    workers = switched(trouble='time.sleep(600)')
    (tmp_path / 'switch').touch()
    kill_all(workers)
    until(workers.ill_health)
    assert 'did not load within' in workers.ill_health()


def test_a_model_that_is_long_without_a_worker_is_ill(switched, tmp_path, monkeypatch):
    patch_pool(monkeypatch, '_REPLACEMENT_GRACE_S', 0.2)
    workers = switched(trouble='time.sleep(600)')
    (tmp_path / 'switch').touch()
    kill_all(workers)
    assert workers.ill_health() == ''
    until(workers.ill_health)
    assert workers.ill_health().startswith('no worker for')


def test_an_error_nobody_thought_of_counts_as_a_failed_start(supervise, monkeypatch):
    workers = supervise()
    monkeypatch.setattr(WorkerProcess, 'join', lambda self, seconds: 1 / 0)
    kill_one(workers)
    until(workers.ill_health)
    assert 'division by zero' in workers.ill_health()
    monkeypatch.undo()
    until(lambda: not workers.ill_health())


def test_workers_that_die_again_and_again_before_any_use_are_replaced_ever_more_slowly(
        supervise, monkeypatch):
    workers = supervise()
    slept = []
    patch_pool(monkeypatch, 'delay_s', lambda failures: slept.append(failures) or 0)
    for _ in range(3):
        kill_one(workers)
        until(lambda: workers.pids)
    assert slept == [1, 2]
    worker = workers.acquire()
    worker.exchange(Ping())
    workers.release(worker)
    kill_one(workers)
    until(lambda: workers.pids)
    assert slept == [1, 2]


def test_stopping_leaves_no_process(supervise):
    workers = supervise(workers=3)
    workers.stop()
    assert launcher.children(recursive=True) == []


def test_stopping_leaves_no_process_though_one_is_loading(switched, tmp_path):
    workers = switched(trouble='time.sleep(600)')
    (tmp_path / 'switch').touch()
    kill_all(workers)
    gevent.sleep(0.3)
    workers.stop()
    assert launcher.children(recursive=True) == []


def test_the_first_worker_may_take_its_time_and_says_why_it_fails(tmp_path):
    workers = supervisor(tmp_path, 'm', source='raise OSError("no licence")\n')
    with pytest.raises(ServiceError, match='no licence'):
        workers.start()
    workers.stop()
    assert launcher.children(recursive=True) == []


def test_a_worker_that_has_served_enough_is_replaced_and_its_place_is_never_empty(
        supervise, caplog):
    caplog.set_level('INFO')
    workers = supervise(pool={'max_requests': 3})
    worn = workers.acquire()
    worn.exchange(work('[1]', '[2]', '[3]'))
    workers.release(worn)
    until(lambda: workers.pids and worn.pid not in workers.pids)
    until(lambda: not psutil.pid_exists(worn.pid))
    assert 'is replaced after 3 requests' in caplog.text
    assert 'died' not in caplog.text
    worker = workers.acquire()
    assert worker.pid != worn.pid
    assert answers(worker)


@pytest.mark.engine
def test_a_worn_worker_that_dies_before_its_successor_is_there_has_one_all_the_same(supervise):
    workers = supervise(pool={'max_requests': 1})
    worn = workers.acquire()
    worn.exchange(work('[1]'))
    workers.release(worn)
    # Its end is seen before anything else has had a turn.
    worn.on_death(worn)
    until(lambda: workers.pids and worn.pid not in workers.pids)
    assert answers(workers.acquire())


@pytest.mark.engine
def test_a_worn_worker_that_is_busy_again_finishes_first(supervise):
    workers = supervise('__import__("time").sleep(data[0][0])\nreturn data',
                        pool={'max_requests': 1})
    worn = workers.acquire()
    worn.exchange(work('[0]'))
    workers.release(worn)
    again = workers.acquire()
    assert again is worn
    slow = gevent.spawn(again.exchange, work('[0.5]'))
    until(lambda: len(workers.pids) == 2)
    assert predicted(slow.get(timeout=60).answers[0]) == b'[[0.5]]'
    workers.release(again)
    until(lambda: worn.pid not in workers.pids)
    assert len(workers.pids) == 1


def test_a_worker_with_too_much_memory_of_its_own_is_replaced(supervise):
    workers = supervise(pool={'max_memory_bytes': 1})
    worker = workers.acquire()
    assert answers(worker)
    workers.release(worker)
    until(lambda: worker.pid not in workers.pids)
    until(lambda: workers.pids)


def test_one_core_has_no_second_worker_of_its_own_accord(supervise):
    assert supervise(workers=None, resources=ONE_CORE).size[:3] == (1, 1, ())
