"""One model's queue, before a real worker."""

import os
import signal
import time

import gevent
import pytest
from harness import SERVICE, asking, load_message

from mms import scheduler as module
from mms.errors import BadRequest, InferenceError, ModelUnavailable, WorkerDied
from mms.pool.supervisor import Supervisor
from mms.scheduler import Scheduler


class Asked:
    """A model that is asked from greenlets."""

    def __init__(self, workers):
        self.workers = workers
        self.scheduler = Scheduler(workers)

    def ask(self, text):
        return gevent.spawn(self.scheduler.predict, asking(text))


@pytest.fixture
def model(tmp_path):
    started = []

    def model(body='return data', **options):
        workers = Supervisor(load_message(tmp_path, f'm{len(started)}', body, **options))
        workers.start()
        started.append(Asked(workers))
        return started[-1]

    yield model
    for asked in started:
        asked.scheduler.stop()
        asked.workers.kill()


def test_requests_are_answered_oldest_first(model):
    asked = model('__import__("time").sleep(0.05)\nreturn data')
    order = []
    for number in range(6):
        asked.ask(f'[{number}]').link(
            lambda greenlet: order.append(greenlet.value.prediction))
    gevent.sleep(0)
    with gevent.Timeout(20):
        while len(order) < 6:
            gevent.sleep(0.01)
    assert order == [f'[[{number}]]'.encode() for number in range(6)]


def test_each_request_gets_its_own_error(model):
    asked = model('if data[0][0] == "raise": raise ValueError\n'
                  'if data[0][0] == "die": __import__("os").abort()\nreturn data')
    answers = [asked.ask(text) for text in ('no list', '["raise"]', '["die"]', '[1]')]
    for answer, error in zip(answers, (BadRequest, InferenceError, WorkerDied)):
        with pytest.raises(error):
            answer.get()
    assert answers[3].get().prediction == b'[[1]]'


def test_a_request_for_a_worker_that_died_unnoticed_goes_to_the_next_one(model):
    asked = model()
    [pid] = asked.workers.pids
    worker = asked.workers.acquire()
    os.kill(pid, signal.SIGKILL)
    with gevent.Timeout(10):
        while not worker.gone:
            gevent.sleep(0.01)
    # As if it had died between the choice and the message.
    asked.workers._idle.insert(0, worker)
    asked.workers._changed.set()
    assert asked.ask('[1]').get().prediction == b'[[1]]'


def test_a_worker_whose_death_nobody_has_noticed_yet_does_not_hang_the_loop(model):
    asked = model()
    [pid] = asked.workers.pids
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.3)  # not gevent's: the loop must not turn
    with gevent.Timeout(20):
        assert asked.ask('[1]').get().prediction == b'[[1]]'


def test_a_request_that_kills_two_workers_while_they_receive_it_is_given_up(model):
    asked = model(source='import resource\n' + SERVICE.format(body='        return data').replace(
        'self.model_name = model_name', 'self.model_name = model_name\n'
        '        used = int(open("/proc/self/statm").read().split()[0]) * 4096\n'
        '        resource.setrlimit(resource.RLIMIT_AS, (used + 20_000_000,) * 2)'))
    with gevent.Timeout(30), pytest.raises(WorkerDied):
        asked.ask('[' + '1,' * 15_000_000 + '1]').get()
    assert asked.ask('[1]').get().prediction == b'[[1]]'


def test_giving_up_answers_the_request_in_hand_and_those_that_wait(model):
    asked = model('__import__("time").sleep(600)')
    answers = [asked.ask('[1]') for _ in range(3)]
    gevent.sleep(0.1)
    asked.scheduler.give_up()
    for answer in answers:
        with pytest.raises(ModelUnavailable, match='The server stops'):
            answer.get()
    with pytest.raises(ModelUnavailable, match='The server stops'):
        asked.ask('[1]').get()


def test_a_ping_that_hangs_makes_the_model_ill_until_its_new_worker_answers_one(
        model, monkeypatch, tmp_path):
    monkeypatch.setattr(module, '_LONGEST_PING_S', 0.5)
    hang = tmp_path / 'hang'
    source = 'import os, time\n' + SERVICE.format(body='        return data').replace(
        "return 'fine'", f'time.sleep(600 * os.path.exists({str(hang)!r}))')
    asked = model(source=source)
    assert asked.scheduler.ill_health() == ''
    hang.touch()
    before = asked.workers.pids
    assert asked.scheduler.ill_health() == ''
    with gevent.Timeout(20):
        while not asked.scheduler._sick:
            gevent.sleep(0.01)
    assert 'ping did not return' in asked.scheduler.ill_health()
    hang.unlink()
    with gevent.Timeout(20):
        while asked.scheduler.ill_health():
            gevent.sleep(0.05)
    assert asked.workers.pids != before


def test_a_busy_model_is_not_asked_how_it_is(model):
    asked = model('__import__("time").sleep(1)\nreturn data')
    answer = asked.ask('[1]')
    gevent.sleep(0.1)
    assert asked.scheduler.ill_health() == ''
    assert not answer.ready()
    answer.get()
