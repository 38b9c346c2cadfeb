"""Each loop behind a model's queue is broken in turn, before real workers."""

import os
import signal

import gevent
import pytest
from fleet import patch_pool, until
from harness import asking, predicted

from mms.errors import RequestError, WorkerDied
from mms.event_loop import guard
from mms.ipc.channel import Channel
from mms.ipc.messages import More
from mms.pool.process_errors import NotSent, WorkerGone
from mms.serving import scheduler as module
from mms.serving.caller import Caller

LOST = 'The server itself failed over this request of model m0; its log says how.'


@pytest.fixture
def breaks(monkeypatch):
    """Make a function raise for the next so many calls."""

    def breaks(owner, name, times=1, after=False):
        right, left = getattr(owner, name), [times]

        def broken(*arguments, **options):
            if left[0] and not after:
                left[0] -= 1
                raise TypeError(f'injected into {name}')
            value = right(*arguments, **options)
            if left[0] and after:
                left[0] -= 1
                raise TypeError(f'injected into {name}')
            return value

        monkeypatch.setattr(owner, name, broken)
        return left

    return breaks


def serves(asked):
    """Whether requests are answered, also beside each other."""
    with gevent.Timeout(20):
        answers = [asked.ask(f'[{number}]') for number in range(6)]
        return [predicted(answer.get()) for answer in answers] == [
            f'[[{number}]]'.encode() for number in range(6)]


def lost(answer):
    """Whether a request was told that the server itself has failed over it."""
    with gevent.Timeout(10):
        try:
            answer.get()
        except RequestError as error:
            return str(error) == LOST and error.status == 500
        return False


def is_told(caplog, name, what='failed over'):
    return f'TypeError: injected into {name}' in caplog.text and what in caplog.text


@pytest.mark.parametrize(('owner', 'name', 'after'), [
    ('scheduler', '_next_batch', True), ('_waiting', 'next', True), ('scheduler', '_work', False),
    ('scheduler', '_work', True), ('scheduler', '_learn', False),
])
def test_a_request_in_hand_is_answered_and_the_next_ones_are_served(
        model, breaks, caplog, owner, name, after):
    asked = model(workers=2)
    breaks(asked.scheduler if owner == 'scheduler' else asked.scheduler._waiting, name,
           after=after)
    assert lost(asked.ask('[1]'))
    assert is_told(caplog, name)
    assert serves(asked)
    assert asked.scheduler.ill_health() == ''
    until(lambda: len(asked.workers.free) == 2)


@pytest.mark.parametrize('name', ['_threads', '_wait_for_company', '_next_batch'])
def test_a_request_that_was_not_taken_yet_is_served_after_the_fault(model, breaks, caplog, name):
    asked = model()
    breaks(asked.scheduler, name)
    assert serves(asked)
    assert is_told(caplog, name, 'over the queue of model m0')
    assert asked.scheduler.ill_health() == ''
    until(lambda: asked.workers.free)


@pytest.mark.parametrize('name', ['acquire', '_busy', '_widen'])
def test_a_fault_of_those_who_keep_the_workers_loses_none(model, breaks, caplog, name):
    asked = model(workers=2)
    breaks(asked.workers, name)
    assert serves(asked)
    until(lambda: len(asked.workers.free) == 2)
    assert name == '_widen' or is_told(caplog, name)


def test_a_fault_that_repeats_makes_the_model_ill_until_it_works_again(model, breaks, caplog):
    asked = model()
    left = breaks(asked.scheduler, '_threads', times=10**6)
    answers = [asked.ask('[1]') for _ in range(3)]
    assert [lost(answer) for answer in answers] == [True] * 3
    assert asked.scheduler.ill_health() == (
        'the server itself fails over the queue of model m0 (TypeError: injected into _threads)')
    assert lost(asked.ask('[1]'))
    left[0] = 0
    assert serves(asked)
    assert asked.scheduler.ill_health() == ''


def test_a_model_that_was_ill_of_faults_is_given_another_try(model, breaks, monkeypatch):
    monkeypatch.setattr(guard, '_REMEMBERED_S', 0.5)
    asked = model()
    breaks(asked.scheduler, '_threads', times=3)
    assert lost(asked.ask('[1]'))
    assert asked.scheduler.ill_health()
    until(lambda: not asked.scheduler.ill_health(), 5)
    assert serves(asked)


def test_a_worker_that_nobody_knows_the_state_of_is_replaced(model, breaks, caplog):
    asked = model('__import__("time").sleep(0.2)\nreturn data')
    before = asked.workers.pids
    right = asked.workers.acquire

    def acquire(*arguments):
        worker = right(*arguments)
        if worker.pid in before:
            # The request is on its way, but its answer is not waited for.
            exchange = worker.exchange

            def half(message, *rest):
                gevent.spawn(exchange, message, *rest)
                gevent.sleep(0)
                raise TypeError('injected into exchange')

            worker.exchange = half
        return worker

    asked.workers.acquire = acquire
    assert lost(asked.ask('[1]'))
    assert serves(asked)
    assert asked.workers.pids != before


def test_faults_beside_each_other_answer_each_request(model, breaks):
    asked = model('__import__("time").sleep(0.05)\nreturn data', workers=3)
    breaks(asked.scheduler, '_work', times=2)
    answers = [asked.ask(f'[{number}]') for number in range(9)]
    with gevent.Timeout(20):
        gevent.joinall(answers)
    assert 2 <= sum(not answer.successful() for answer in answers) < 9
    assert serves(asked)


@pytest.mark.engine
def test_a_worker_whose_messages_cannot_be_read_is_replaced(model, monkeypatch, caplog):
    asked = model()
    before = asked.workers.pids
    worker = asked.workers.acquire()
    receive, broken = Channel.receive, [worker._channel]

    def received(channel):
        value = receive(channel)
        if channel in broken:
            broken.remove(channel)
            raise TypeError('injected into receive')
        return value

    monkeypatch.setattr(Channel, 'receive', received)
    asked.workers.release(worker)
    assert serves(asked)
    assert asked.workers.pids != before
    assert 'TypeError: injected into receive' in caplog.text


@pytest.mark.parametrize(('ends', 'is_answered'), [
    ([NotSent, NotSent, WorkerGone], True), ([WorkerGone, NotSent, NotSent], True),
    ([NotSent] * 3, True), ([NotSent] * 4, False),
    ([WorkerGone, WorkerGone], False), ([NotSent, WorkerGone, WorkerGone], False),
    # What has asked for more has what came before.
    ([More(1), NotSent, WorkerGone], False), ([More(1), NotSent, NotSent], True)])
def test_a_worker_that_ends_before_it_has_a_request_has_not_ended_of_it(model, ends, is_answered):
    asked = model()
    acquire, left = asked.workers.acquire, list(ends)

    def ended(*_, **__):
        end = left.pop(0)
        if isinstance(end, More):
            return end
        raise end('it ended')

    def acquired(*arguments):
        worker = acquire(*arguments)
        worker.__dict__.pop('exchange', None)
        if left:
            worker.exchange = ended
        return worker

    asked.workers.acquire = acquired
    with gevent.Timeout(20):
        if is_answered:
            assert predicted(asked.ask('[1]').get()) == b'[[1]]'
        else:
            with pytest.raises(WorkerDied, match='died over this request \\(it ended\\)'):
                asked.ask('[1]').get()
    assert not left
    assert serves(asked)


@pytest.mark.parametrize('name', ['on_death', '_reap', '_end_readers'])
def test_a_worker_that_died_is_replaced_and_its_request_answered_whatever_fails_then(
        model, breaks, caplog, monkeypatch, name):
    patch_pool(monkeypatch, '_KEEP_IDLE_S', 0.4)
    asked = model('__import__("time").sleep(0.3)\nreturn data')
    [pid] = asked.workers.pids
    worker = asked.workers.acquire()
    breaks(worker, name)
    asked.workers.release(worker)
    answer = asked.ask('[1]')
    until(lambda: not asked.workers.free)
    os.kill(pid, signal.SIGKILL)
    with gevent.Timeout(20):
        assert predicted(answer.get()) == b'[[1]]'
    assert serves(asked)
    assert is_told(caplog, name, f'the end of worker {pid} of model m0')
    assert asked.scheduler.ill_health() == ''


@pytest.mark.parametrize('name', ['_start_missing', '_bring_up', '_not_started', '_retire',
                                  'reap'])
def test_a_pool_is_whole_again_though_those_who_start_workers_fail(
        model, breaks, caplog, monkeypatch, name):
    patch_pool(monkeypatch, '_KEEP_IDLE_S', 0.4)
    asked = model(workers=2)
    workers, reconciler = asked.workers, asked.workers._reconciler
    if name == '_not_started':
        breaks(reconciler, '_start')
    if name == '_retire':
        workers.scale(3)
        until(lambda: workers.agrees)
    breaks(reconciler, name)
    if name == '_retire':
        workers.scale(2)
    else:
        killed = workers.pids[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: killed not in workers.pids)
    until(lambda: workers.agrees and len(workers.pids) == 2)
    assert is_told(caplog, name, 'the workers of model m0' if name != '_bring_up' else '')
    assert serves(asked)


def test_the_loop_goes_on_after_a_fault(model, breaks, caplog, monkeypatch):
    patch_pool(monkeypatch, '_KEEP_IDLE_S', 0.1)
    asked = model()
    left = breaks(asked.workers._reconciler, '_let_temporary_go', times=2)
    until(lambda: not left[0])
    assert is_told(caplog, '_let_temporary_go', 'over the workers of model m0')
    calls = []
    asked.workers._reconciler._let_temporary_go = lambda: calls.append(1)
    until(lambda: calls)


def test_a_worn_worker_is_replaced_though_the_first_try_fails(model, breaks, caplog):
    asked = model(pool={'max_requests': 2})
    before = asked.workers.pids
    breaks(asked.workers._reconciler, '_start_replacement')
    until(lambda: serves(asked) and asked.workers.pids != before)
    assert is_told(caplog, '_start_replacement')


@pytest.mark.parametrize('name', ['_round', '_examine', '_renew'])
def test_health_is_looked_at_again_after_a_fault(model, breaks, caplog, monkeypatch, name):
    patch_pool(monkeypatch, '_ROUND_S', 0.1)
    asked = model(source=None, workers=2)
    probe = asked.workers.probe
    breaks(probe, name)
    if name == '_renew':
        probe._begin_renewal()
    else:
        asked.scheduler.ill_health()
    if name == '_round':
        # The loop has the right one, which is broken where it asks.
        breaks(probe._health, 'unasked_for')
        name = 'unasked_for'
    until(lambda: is_told(caplog, name))
    assert asked.scheduler.ill_health() == ''
    assert serves(asked)


@pytest.mark.parametrize('name', ['relay', 'relay_output'])
def test_a_worker_that_talks_goes_on_though_its_lines_cannot_be_logged(
        model, monkeypatch, caplog, name):
    def broken(*_):
        raise TypeError(f'injected into {name}')

    patch_pool(monkeypatch, name, broken)
    asked = model('import logging\nfor _ in range(300):\n'
                  '    print("x" * 2000, flush=True)\n'
                  '    logging.getLogger("mms").error("y" * 2000)\nreturn data', warm_up=False)
    before = asked.workers.pids
    assert serves(asked)
    assert asked.workers.pids == before
    # Once, and not for each of thousands of lines.
    assert caplog.text.count(f'TypeError: injected into {name}') == 1


def test_a_request_is_served_though_its_client_cannot_be_looked_after(model, caplog):
    asked = model()

    def broken():
        raise TypeError('injected into has_left')

    assert lost(gevent.spawn(asked.scheduler.submit, asking('[1]'), Caller(broken)))
    assert is_told(caplog, 'has_left')
    assert serves(asked)


def test_those_that_have_an_answer_keep_it(model, breaks):
    asked = model()
    breaks(module.Job, 'settle', after=True)
    with gevent.Timeout(10):
        assert predicted(asked.ask('[1]').get()) == b'[[1]]'
    assert serves(asked)
