"""Workers come and go while requests run: each request has its answer, and its own."""

import contextlib
import random

import gevent
import pytest
from fleet import kill, mxnet_service, until
from harness import predicted

from mms.pool.starter import WorkerStarter
from mms.runtime.resources import Resources

SLOW = '__import__("time").sleep(0.01)\nreturn data'


def load(asked, senders, over):
    """Ask from so many greenlets, each with one request at a time, until it is over; the numbers
    that have been answered.
    """
    sent = []

    def send(first):
        number = first
        while not over:
            assert predicted(asked.ask(f'[{number}]').get()) == b'[[%d]]' % number
            sent.append(number)
            number += senders

    return [gevent.spawn(send, first) for first in range(senders)], sent


@pytest.mark.engine
def test_no_request_is_lost_while_a_model_is_scaled_up_and_down(model):
    asked = model(SLOW, workers=2, queue_size=1000)
    over = []
    senders, sent = load(asked, 12, over)
    for number in (6, 1, 4, 2, 8, 1, 3):
        before = len(sent)
        asked.workers.scale(number)
        until(lambda before=before: len(sent) > before + 20)
    over.append(True)
    with gevent.Timeout(30):
        gevent.joinall(senders, raise_error=True)
    assert len(sent) == len(set(sent))
    until(lambda: asked.workers.agrees)
    assert len(asked.workers.pids) == 3
    assert asked.scheduler.ill_health() == ''


def test_as_many_run_at_once_as_there_are_workers_now(model):
    asked = model('__import__("time").sleep(0.3)\nreturn data')
    asked.workers.scale(4)
    until(lambda: asked.workers.agrees)
    answers = [asked.ask(f'[{number}]') for number in range(4)]
    until(lambda: not asked.workers.free)
    assert len(asked.workers.pids) == 4
    assert [predicted(answer.get()) for answer in answers] == [
        b'[[0]]', b'[[1]]', b'[[2]]', b'[[3]]']


@pytest.mark.engine
def test_requests_are_answered_while_workers_change_their_threads(model, monkeypatch):
    monkeypatch.setattr(WorkerStarter, 'levels', (1, 2, 4))
    asked = model(source=mxnet_service('pass'), workers=4, resources=Resources(4, 2**40, 4),
                  threads=lambda: random.choice([1, 2, 4]), queue_size=1000)
    over, sent = [], []

    def send(number):
        while not over:
            answer = predicted(asked.ask(f'[[{number}, 1]]').get())
            assert answer == b'[[%d.0,2.0]]' % (2 * number)
            sent.append(number)

    senders = [gevent.spawn(send, number) for number in range(8)]
    for number in (2, 1, 4, 3, 1, 4):
        before = len(sent)
        asked.workers.scale(number)
        until(lambda before=before: len(sent) > before + 20)
    over.append(True)
    with gevent.Timeout(30):
        gevent.joinall(senders, raise_error=True)
    assert asked.scheduler.ill_health() == ''


def test_requests_survive_workers_that_die_and_wear_out_while_the_model_is_scaled(model):
    asked = model('__import__("time").sleep(0.02)\nreturn data', workers=4, queue_size=1000,
                  pool={'max_requests': 5})
    over = []
    senders, sent = load(asked, 10, over)
    for number in (2, 5, 1, 4):
        before = len(sent)
        asked.workers.scale(number)
        with contextlib.suppress(ProcessLookupError):
            kill(asked.workers.pids[-1])
        until(lambda before=before: len(sent) > before + 30)
    over.append(True)
    with gevent.Timeout(30):
        gevent.joinall(senders, raise_error=True)
    assert len(sent) == len(set(sent))
