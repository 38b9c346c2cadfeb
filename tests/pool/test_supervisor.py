"""Who keeps the workers of one model alive."""

import os
import signal

import gevent
import psutil
import pytest
from harness import asking, load_message

from mms.errors import ModelUnavailable, ServiceError
from mms.pool import supervisor as module
from mms.pool.supervisor import Supervisor
from mms.wire import Ping, Reply

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
def supervise(tmp_path):
    """A started supervisor; its workers have trouble while the file `switch` exists."""
    started = []

    def supervise(trouble='raise OSError("no licence")'):
        source = SWITCHED.format(switch=str(tmp_path / 'switch'), trouble=trouble)
        workers = Supervisor(load_message(tmp_path, f'm{len(started)}', source=source))
        workers.start()
        started.append(workers)
        return workers

    yield supervise
    for workers in started:
        workers.stop()


def until(condition, seconds=20):
    with gevent.Timeout(seconds):
        while not condition():
            gevent.sleep(0.01)


def kill_one(workers):
    [pid] = workers.pids
    os.kill(pid, signal.SIGKILL)
    until(lambda: workers.pids != [pid])
    return pid


def test_one_worker_is_started_taken_and_given_back(supervise):
    workers = supervise()
    worker = workers.acquire()
    assert workers.acquire_now() is None
    workers.release(worker)
    assert workers.acquire_now() is worker


def test_a_worker_that_dies_idle_is_replaced_and_never_handed_out(supervise):
    workers = supervise()
    dead = kill_one(workers)
    worker = workers.acquire()
    assert worker.pid != dead
    assert isinstance(worker.exchange(asking('[1]')), Reply)
    assert workers.ill_health() == ''


def test_a_model_whose_workers_fail_to_start_is_given_up_and_recovers(supervise, tmp_path):
    workers = supervise()
    (tmp_path / 'switch').touch()
    kill_one(workers)
    until(workers.ill_health)
    assert 'no licence' in workers.ill_health()
    with pytest.raises(ModelUnavailable, match='does not start .*no licence'):
        workers.acquire()
    (tmp_path / 'switch').unlink()
    until(lambda: not workers.ill_health())
    assert isinstance(workers.acquire().exchange(asking('[1]')), Reply)


def test_a_replacement_that_hangs_while_it_loads_counts_as_one_that_failed(
        supervise, tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'deadline_s', lambda first_load_s: 0.5)
    workers = supervise(trouble='time.sleep(600)')
    (tmp_path / 'switch').touch()
    kill_one(workers)
    until(workers.ill_health)
    assert 'did not load within' in workers.ill_health()


def test_a_model_that_is_long_without_a_worker_is_ill(supervise, tmp_path, monkeypatch):
    monkeypatch.setattr(module, '_REPLACEMENT_GRACE_S', 0.2)
    workers = supervise(trouble='time.sleep(600)')
    (tmp_path / 'switch').touch()
    kill_one(workers)
    assert workers.ill_health() == ''
    until(workers.ill_health)
    assert workers.ill_health().startswith('no worker for')


def test_an_error_nobody_thought_of_counts_as_a_failed_start(supervise, monkeypatch, caplog):
    workers = supervise()
    monkeypatch.setattr(module.WorkerProcess, 'start', lambda self, timeout_s: 1 / 0)
    kill_one(workers)
    until(workers.ill_health)
    assert 'division by zero' in workers.ill_health()
    monkeypatch.undo()
    until(lambda: not workers.ill_health())


def test_workers_that_die_again_and_again_before_any_use_are_replaced_ever_more_slowly(
        supervise, monkeypatch):
    workers = supervise()
    slept = []
    monkeypatch.setattr(module, 'delay_s', lambda failures: slept.append(failures) or 0)
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


def test_stopping_leaves_no_process_though_one_is_loading(supervise, tmp_path):
    workers = supervise(trouble='time.sleep(600)')
    (tmp_path / 'switch').touch()
    kill_one(workers)
    gevent.sleep(0.3)
    workers.stop()
    assert psutil.Process().children(recursive=True) == []


def test_the_first_worker_may_take_its_time_and_says_why_it_fails(tmp_path):
    workers = Supervisor(load_message(tmp_path, 'm', source='raise OSError("no licence")\n'))
    with pytest.raises(ServiceError, match='no licence'):
        workers.start()
    workers.stop()
