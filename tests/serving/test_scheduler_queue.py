"""One model's queue, before real workers."""

import os
import signal
import time
from dataclasses import replace

import gevent
import pytest
from fleet import patch_pool, until
from harness import SERVICE, asking, predicted

from mms.errors import (
    BadRequest,
    ClientLeft,
    DeadlineExceeded,
    InferenceError,
    ModelUnavailable,
    QueueFull,
    WorkerDied,
)
from mms.ipc.context import Context
from mms.serving.caller import Caller
from mms.serving.patience import Patience

GATED = '''
import os, time
open({notes!r}, "a").write(f"{{data[0][0]}} ")
while data[0][0] == "gate" and not os.path.exists({gate!r}): time.sleep(0.005)
return data[0]
'''


def test_requests_are_answered_oldest_first(model):
    asked = model('__import__("time").sleep(0.05)\nreturn data')
    order = []
    for number in range(6):
        asked.ask(f'[{number}]').link(
            lambda greenlet: order.append(predicted(greenlet.value)))
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
    assert predicted(answers[3].get()) == b'[[1]]'


def test_a_request_for_a_worker_that_died_unnoticed_goes_to_the_next_one(model, monkeypatch):
    asked = model()
    [pid] = asked.workers.pids
    worker = asked.workers.acquire()
    os.kill(pid, signal.SIGKILL)
    with gevent.Timeout(10):
        while not worker.gone:
            gevent.sleep(0.01)
    # As if it had died between the choice and the message.
    chosen, acquire = [worker], asked.workers.acquire
    monkeypatch.setattr(asked.workers, 'acquire', lambda threads: chosen.pop() if chosen else
                        acquire(threads))
    assert predicted(asked.ask('[1]').get()) == b'[[1]]'


def test_a_worker_whose_death_nobody_has_noticed_yet_does_not_hang_the_loop(model):
    asked = model()
    [pid] = asked.workers.pids
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.3)  # not gevent's: the loop must not turn
    with gevent.Timeout(20):
        assert predicted(asked.ask('[1]').get()) == b'[[1]]'


@pytest.mark.engine
def test_a_request_survives_the_death_of_all_workers_with_their_template(model):
    asked = model(workers=3)
    os.kill(asked.workers.template_pid, signal.SIGKILL)
    # Not gevent's: three dead workers are free, as far as anybody knows.
    time.sleep(0.3)
    with gevent.Timeout(20):
        assert predicted(asked.ask('[1]').get()) == b'[[1]]'


@pytest.mark.engine
def test_a_request_in_hand_survives_the_death_of_one_template_and_is_run_twice_at_most(
        model, tmp_path):
    started = tmp_path / 'started'
    asked = model(f'open({str(started)!r}, "a").write("x")\n__import__("time").sleep(0.5)\n'
                  'return data', warm_up=False)

    def killed_at_start(runs):
        until(lambda: started.exists() and len(started.read_text()) == runs)
        os.kill(asked.workers.template_pid, signal.SIGKILL)

    answer = asked.ask('[1]')
    killed_at_start(1)
    assert predicted(answer.get()) == b'[[1]]'
    answer = asked.ask('[1]')
    killed_at_start(3)
    killed_at_start(4)
    with pytest.raises(WorkerDied):
        answer.get()
    assert started.read_text() == 'xxxx'


def test_a_request_that_kills_two_workers_while_they_receive_it_is_given_up(model):
    asked = model(source='import resource\n' + SERVICE.format(body='        return data').replace(
        'self.model_name = model_name', 'self.model_name = model_name\n'
        '        used = int(open("/proc/self/statm").read().split()[0]) * 4096\n'
        '        resource.setrlimit(resource.RLIMIT_AS, (used + 20_000_000,) * 2)'),
        # What is forked from the launcher has room that the import of MXNet has left.
        pool={'launcher': None})
    with gevent.Timeout(30), pytest.raises(WorkerDied):
        asked.ask('[' + '1,' * 15_000_000 + '1]').get()
    assert predicted(asked.ask('[1]').get()) == b'[[1]]'


@pytest.fixture
def gated(model, tmp_path):
    """A model of one worker that is at work on a request until `gate` exists."""
    gate, notes = tmp_path / 'gate', tmp_path / 'notes'

    def gated(**options):
        asked = model(GATED.format(gate=str(gate), notes=str(notes)), warm_up=False,
                      **options)
        asked.first = asked.ask('["gate"]')
        until(notes.exists)
        asked.open, asked.notes = gate.touch, lambda: notes.read_text().split()
        return asked

    return gated


def test_a_full_queue_is_told_while_it_is_full_and_when_to_come_again(gated):
    asked = gated(queue_size=2)
    waiting = [asked.ask('[1]'), asked.ask('[2]')]
    gevent.sleep(0)
    with pytest.raises(QueueFull, match='2 requests wait for model m0 already') as caught:
        asked.ask('[3]').get()
    assert caught.value.retry_after_s >= 1
    asked.open()
    assert [predicted(answer.get()) for answer in waiting] == [b'[1]', b'[2]']
    assert predicted(asked.ask('[4]').get()) == b'[4]'
    assert '3' not in asked.notes()


def test_a_request_whose_client_has_left_is_not_computed(gated):
    asked = gated()
    left = asked.ask('[1]', caller=Caller(lambda: True))
    stayed = asked.ask('[2]')
    gevent.sleep(0)
    asked.open()
    with pytest.raises(ClientLeft):
        left.get()
    assert predicted(stayed.get()) == b'[2]'
    assert asked.notes() == ['gate', '2']


def test_a_caller_knows_how_long_its_request_waited_for_a_worker(gated):
    asked = gated()
    caller = Caller()
    answer = asked.ask('[1]', caller=caller)
    gevent.sleep(0.3)
    assert caller.queue_s is None
    asked.open()
    answer.get()
    assert caller.queue_s >= 0.3


def test_a_request_whose_deadline_passes_in_the_queue_is_not_computed(gated):
    asked = gated()
    asked.scheduler._patience = Patience(asked.workers.name, 0.3)
    late = asked.ask('[1]')
    with pytest.raises(DeadlineExceeded, match='within 0.3 s .--request-timeout'):
        late.get()
    asked.open()
    asked.first.get()
    assert predicted(asked.ask('[2]').get()) == b'[2]'
    assert asked.notes() == ['gate', '2']


def test_a_request_may_have_a_deadline_of_its_own(gated):
    asked = gated()
    now = time.monotonic()
    context = Context(arrived_s=now, deadline_s=now + 0.3)
    late = asked.ask_for(replace(asking('[1]'), context=context))
    with pytest.raises(DeadlineExceeded, match=r"within 0\.3 s \(the request's own deadline\)"):
        late.get()
    asked.open()
    asked.first.get()
    assert asked.notes() == ['gate']


@pytest.mark.engine
def test_a_hook_that_hangs_costs_its_worker_and_the_next_request_is_answered(gated):
    asked = gated(request_timeout_s=0.5)
    before = asked.workers.pids
    with pytest.raises(DeadlineExceeded):
        asked.first.get()
    assert predicted(asked.ask('[1]').get()) == b'[1]'
    assert asked.workers.pids != before


def test_a_request_behind_one_that_hangs_has_its_own_deadline(gated):
    asked = gated(request_timeout_s=1.0)
    gevent.sleep(0.6)
    behind = asked.ask('[1]')
    with pytest.raises(DeadlineExceeded):
        asked.first.get()
    assert predicted(behind.get()) == b'[1]'


@pytest.mark.engine
def test_workers_answer_side_by_side(model, tmp_path):
    met = tmp_path / 'met'
    met.mkdir()
    asked = model(f"""
        import os, time
        open({str(met)!r} + f'/{{data[0][0]}}', 'w').close()
        # None ends before all four have begun.
        while len(os.listdir({str(met)!r})) < 4:
            time.sleep(0.01)
        return data[0]
    """, workers=4, warm_up=False)
    answers = [asked.ask(f'[{number}]') for number in range(4)]
    assert [predicted(answer.get(timeout=60)) for answer in answers] == [
        b'[0]', b'[1]', b'[2]', b'[3]']


def test_giving_up_answers_the_request_in_hand_and_those_that_wait(model):
    asked = model('__import__("time").sleep(600)', warm_up=False)
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
    patch_pool(monkeypatch, '_LONGEST_PING_S', 0.5)
    hang = tmp_path / 'hang'
    source = 'import os, time\n' + SERVICE.format(body='        return data').replace(
        "return 'fine'", f'time.sleep(600 * os.path.exists({str(hang)!r}))')
    asked = model(source=source)
    assert asked.scheduler.ill_health() == ''
    hang.touch()
    before = asked.workers.pids
    assert asked.scheduler.ill_health() == ''
    with gevent.Timeout(20):
        while 'ping did not return' not in asked.scheduler.ill_health():
            gevent.sleep(0.01)
    hang.unlink()
    with gevent.Timeout(20):
        while asked.scheduler.ill_health():
            gevent.sleep(0.05)
    assert asked.workers.pids != before


def test_a_busy_model_is_not_asked_how_it_is(model):
    asked = model('__import__("time").sleep(1)\nreturn data', warm_up=False)
    answer = asked.ask('[1]')
    gevent.sleep(0.1)
    assert asked.scheduler.ill_health() == ''
    assert not answer.ready()
    answer.get()
